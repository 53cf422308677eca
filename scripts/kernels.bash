# Debian's own kernels, booted in an emulated machine: to be sourced, at the root of the repository. Needs
# neither KVM nor root, and installs no kernel.
#
# Downloads are kept in .build/kernels, and what a machine said in .build/kernels/RELEASE/*.log.

cache=$PWD/.build/kernels
limit=1200 # seconds a machine may take

# Where Debian has them. Point versions come and go, so that only the archive's lists know the names.
security="bullseye-security bookworm-security" # 5.10; 6.1 and 6.12
archive="trixie-backports forky"               # 6.16 and later
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "${0##*/}: $*" >&2; }

mkdir -p "$cache"
work=$(mktemp -d -p "$cache")
finish() {
	kill $(jobs -p) 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# --- Finding and fetching a kernel -------------------------------------------------------------

# An apt of our own, which sees the suites above and nothing of what is installed here.
apt=(-qq -o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt/cache"
	-o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o APT::Architecture=amd64
	-o Acquire::Check-Valid-Until=false) # suites that are no longer supported stay as they were

# The mirror that this system itself uses: of its -security suite, or of its own.
source_line() { # -security or nothing, a suite
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
		awk -v end="$1" -v suite="$2" -v keys="$keyring" '
			(end != "") == ($1 ~ /-security$/) {
				print "deb [signed-by=" keys "]", $2, suite, "main"
				exit
			}'
}

refresh_lists() {
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	local suite
	{
		for suite in $security; do source_line -security "$suite"; done
		for suite in $archive; do source_line "" "$suite"; done
	} >"$work/sources.list"
	if ! cmp -s "$work/sources.list" "$cache/apt/sources.list" ||
		[ -z "$(find "$cache/apt/updated" -mtime -1 2>/dev/null)" ]; then
		cp "$work/sources.list" "$cache/apt/sources.list"
		apt-get "${apt[@]}" update >"$work/update.log" 2>&1 || cat "$work/update.log" >&2
		touch "$cache/apt/updated"
	fi
	for suite in $security $archive; do
		compgen -G "$cache/apt/lists/*_dists_${suite}_*Release" >/dev/null ||
			say "the archive no longer has the suite $suite, or it cannot be reached"
	done
}

# The highest release of a series, such as 6.1.0-56-cloud-amd64; nothing if there is none.
newest_release() { # series
	local start="${1//./\\.}\\."
	[ "$1" != newest ] || start='[0-9]'
	apt-cache "${apt[@]}" pkgnames linux- | sed -nE "s/^linux-(image|binary)-($start.*-cloud-amd64)$/\2/p" |
		sort -uV | tail -n 1
}

fetch() { # release: leaves vmlinuz and the modules for `ss` in its folder
	local folder=$cache/$1 package module
	[ ! -e "$folder/complete" ] || return 0
	rm -rf "$folder" && mkdir -p "$folder"
	# Later ones are split: image is only a meta package there.
	local packages=("linux-image-$1")
	! apt-cache "${apt[@]}" show "linux-binary-$1" >"$work/show" 2>&1 ||
		packages=("linux-binary-$1" "linux-modules-$1")
	for package in "${packages[@]}"; do
		(cd "$work" && apt-get "${apt[@]}" download "$package") || return 1
		dpkg-deb --extract "$work/$package"_*.deb "$work/$1" && rm "$work/$package"_*.deb
	done
	cp "$(find "$work/$1" -name 'vmlinuz*' | head -n 1)" "$folder/vmlinuz"
	for module in inet_diag tcp_diag; do
		module=$(find "$work/$1" -name "$module.ko*")
		cp "$module" "$folder"
		[ "${module%.xz}" = "$module" ] || xz -d "$folder/${module##*/}"
	done
	rm -rf "${work:?}/$1"
	touch "$folder/complete"
}

# --- The machine -------------------------------------------------------------------------------

# A file and the libraries it needs, at the very paths they have here.
add() {
	local file library
	for file in "$@"; do
		install -D "$file" "$work/root$file"
		while read -r library; do
			[ -e "$work/root$library" ] || install -D "$library" "$work/root$library"
		done < <(ldd "$file" | awk '$2 == "=>" {print $3} $1 ~ /^\// {print $1}')
	done
}

archive_of() { (cd "$1" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null); }

# The files of every machine, and those named. Not compressed: to unpack it would cost more there than
# to read it costs here.
make_root() { # files that it needs
	mkdir -p "$work"/root/{dev,proc,root,run,sys,tmp,usr/bin,usr/sbin,usr/lib,usr/lib64}
	local applet
	for applet in bin sbin lib lib64; do ln -s "usr/$applet" "$work/root/$applet"; done
	add "$@"
	install "$(command -v busybox)" "$work/root/usr/bin/busybox"
	for applet in $(busybox --list-full); do
		[ -e "$work/root/$applet" ] || ln -s /usr/bin/busybox "$work/root/$applet"
	done
	cat >"$work/root/init" <<-'INIT'
		#!/bin/sh
		export PATH=/usr/bin:/usr/sbin HOME=/root
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		ln -s /proc/self/fd /dev/fd
		ip link set lo up
		insmod /inet_diag.ko && insmod /tcp_diag.ko
		sh /command >/dev/ttyS1 2>&1
		echo "EXIT $?" >/dev/ttyS1
		poweroff -f
	INIT
	chmod +x "$work/root/init"
	archive_of "$work/root" >"$work/root.cpio"
}

# Boots a kernel with a command. What the command says goes to NAME.log, what the kernel says to
# NAME.console. The last line of the former is the verdict: qemu's own status tells nothing.
boot() { # release, name, command, qemu's options
	local folder=$cache/$1 log=$cache/$1/$2 extra=$work/$1 machine
	rm -rf "$extra" && mkdir "$extra"
	cp "$folder"/*.ko "$extra"
	echo "$3" >"$extra/command"
	{ cat "$work/root.cpio" && archive_of "$extra"; } >"$work/$1.initrd"
	rm -f "$log.log" && : >"$log.log"
	timeout "$limit" qemu-system-x86_64 -machine q35 -cpu max -m 2G "${@:4}" -nodefaults \
		-no-user-config -display none -no-reboot -kernel "$folder/vmlinuz" \
		-initrd "$work/$1.initrd" -append 'console=ttyS0 quiet panic=-1' \
		-serial "file:$log.console" -serial "file:$log.log" </dev/null &
	machine=$!
	trap 'kill "$machine"; exit 130' TERM
	wait "$machine" || true
	trap - TERM
	sed -i 's/\r$//' "$log.log"
	[ "$(tail -n 1 "$log.log")" = "EXIT 0" ]
}
