bpf/portgauge.bpf.o: bpf/portgauge.bpf.c bpf/kernel_types.h Sources/CPortgauge/include/portgauge_record.h
	clang -target bpf -mcpu=v2 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -ISources/CPortgauge/include -c $< -o $@
