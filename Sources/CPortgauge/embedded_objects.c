// SPDX-License-Identifier: Apache-2.0
#include "embedded_objects.h"

#if !__has_embed("../../bpf/portgauge.bpf.o") || !__has_embed("../../bpf/return_values.bpf.o")
#error "bpf/*.bpf.o are missing: build with `make`, which compiles them first"
#endif

static const unsigned char hooks[] __attribute__((aligned(8))) = {
#embed "../../bpf/portgauge.bpf.o"
};
static const unsigned char return_values[] __attribute__((aligned(8))) = {
#embed "../../bpf/return_values.bpf.o"
};

const void *pg_object(enum pg_object_name name, size_t *size)
{
	*size = name == PG_OBJECT_HOOKS ? sizeof(hooks) : sizeof(return_values);
	return name == PG_OBJECT_HOOKS ? hooks : return_values;
}
