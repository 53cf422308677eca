import CPortgauge
import Glibc

/// Owns the terminal of standard input and output while it shows a screen in place of a scroll of
/// lines, and puts it back to what it was: when it is left, when it is destroyed, and when a signal
/// kills the process.
///
/// It takes a terminal that knows the control sequences of ECMA-48 (CUP, EL, SGR) and these modes of
/// xterm, which all in use today do: 1049, the alternate screen; 25, the cursor; 7, lines that wrap.
package struct TerminalScreen: ~Copyable {
    private var output: Output
    /// Modes that the terminal is to be put back to; nil while no screen is shown.
    private var modes: termios?
    private var isAwaited = false

    private static let enter: StaticString = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[2J"
    private static let leave: StaticString = "\u{1b}[m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    /// Changes nothing yet. Throws when there is no terminal, or one that cannot show a screen.
    package init() throws(SystemError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw SystemError(
                "show a screen", errno: ENOTTY,
                remedy: "standard input and output must be a terminal; `portgauge trace` needs none"
            )
        }
        guard !["", "dumb", "unknown"].contains(Terminal.name) else {
            throw SystemError(
                "show a screen", errno: ENOTSUP,
                remedy: "TERM is '\(Terminal.name)'; `portgauge trace` needs no more than lines")
        }
        output = try Output(name: "terminal")
    }

    deinit { pg_restore_terminal() }

    // MARK: The screen

    /// Whether the screen is shown.
    package var isShown: Bool { modes != nil }

    /// Whether we are the job in the foreground: the terminal of any other is the shell's.
    package var isInForeground: Bool { tcgetpgrp(STDIN_FILENO) == getpgrp() }

    /// Shows an empty screen, and has keys told one by one, unseen; or the same again, after somebody
    /// else has changed the terminal.
    package mutating func show() throws(SystemError) {
        if modes == nil {
            var before = termios()
            // SAFETY: the C library fills the structure, and below it reads it.
            try check("read terminal modes", remedy: "please report this") {
                unsafe tcgetattr(STDIN_FILENO, &before)
            }
            modes = before
            Complaints.hold()
        }
        guard let modes, case var raw = modes else { return }
        // The keys that make signals stay what the person has set them to.
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        raw.c_lflag |= tcflag_t(ISIG)
        // Reading never waits. SAFETY: VMIN and VTIME are indices of the array.
        unsafe withUnsafeMutableBytes(of: &raw.c_cc) { keys in
            unsafe keys[Int(VMIN)] = 0
            unsafe keys[Int(VTIME)] = 0
        }
        // SAFETY: the structure is copied, and what it points to is immortal, as a StaticString is.
        var terminal = unsafe pg_terminal()
        unsafe terminal.input = STDIN_FILENO
        unsafe terminal.output = output.pollable ?? STDOUT_FILENO
        unsafe terminal.modes = modes
        unsafe terminal.leave = UnsafeRawPointer(Self.leave.utf8Start)
            .assumingMemoryBound(to: CChar.self)
        unsafe terminal.leave_size = Self.leave.utf8CodeUnitCount
        unsafe pg_guard_terminal(&terminal)
        try check("set terminal modes", remedy: "please report this") {
            unsafe tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        }
        try output.append(Self.enter.bytes, always: true)
        try output.flush()
    }

    /// Puts the terminal back to what it was. Waits for it to take what it has not yet, but wakes it
    /// first if somebody has stopped it (Ctrl-S).
    package mutating func hide() throws(SystemError) {
        guard var before = modes else { return }
        modes = nil
        Complaints.tell()
        pg_guard_terminal(nil)
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &before)
        // A stop by Ctrl-S can be undone only after a stop by this.
        tcflow(STDOUT_FILENO, TCOOFF)
        tcflow(STDOUT_FILENO, TCOON)
        try output.append(Self.leave.bytes, always: true)
        try output.finish()
    }

    /// In columns and rows; 80 × 24 when the terminal does not say.
    package var size: (columns: Int, rows: Int) {
        guard let size = Terminal.size(of: STDOUT_FILENO), size.ws_col > 0, size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    // MARK: Frames

    /// The terminal has not taken the last frame yet: another one would have to wait.
    package var isBusy: Bool { output.isWaiting }

    /// Takes over a frame; it is written as far as the terminal takes it.
    package mutating func write(_ frame: [UInt8]) throws(SystemError) {
        try output.append(frame, always: true)
        try output.flush()
    }

    /// Goes on writing, and has `poller` tell when the terminal takes more, or is gone.
    package mutating func flush(_ poller: borrowing Poller) throws(SystemError) {
        if output.isWaiting { try output.flush() }
        guard output.isWaiting != isAwaited, let descriptor = output.pollable else { return }
        isAwaited = output.isWaiting
        try poller.watch(descriptor, for: isAwaited ? .writable : [])
    }

    // MARK: Keys

    /// To be polled for reading while the screen is shown.
    package var keys: Int32 { STDIN_FILENO }

    /// The bytes typed; nil when the terminal is gone. Only for when `keys` is ready, and while the
    /// screen is shown.
    package func readKeys() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the kernel writes within the array, and into the one structure of the poll().
        let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
        if count > 0 { return Array(bytes.prefix(count)) }
        if count < 0, errno != EINTR, errno != EAGAIN { return nil }
        // Somebody else may have read it; or it has hung up.
        var state = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
        return unsafe poll(&state, 1, 0) > 0 ? nil : []
    }
}

extension StaticString {
    // SAFETY: the buffer is copied while it is lent.
    fileprivate var bytes: [UInt8] {
        withUTF8Buffer { unsafe Array($0) }
    }
}
