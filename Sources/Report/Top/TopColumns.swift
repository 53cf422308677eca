/// The columns of the list, in the widths that suit the terminal; 0: left out.
struct TopColumns: Hashable, Sendable {
    private(set) var share = 0
    private(set) var bar = 0
    private(set) var held = 0
    private(set) var usable = 0
    private(set) var timeWait = 0
    private(set) var spark = 0
    private(set) var rate = 0
    private(set) var exhaustion = 0
    private(set) var failed = 0
    private(set) var tuple = 0
    private(set) var process = 0

    /// The least that a tuple needs: `127.0.0.1 → 127.0.0.1:8080`.
    private static let narrowTuple = 26
    /// Enough for nearly all tuples.
    private static let wideTuple = 43

    /// - Parameter width: of the terminal.
    init(width: Int) {
        // The mark of the selection.
        var rest = max(0, width - 1)
        let kept = min(Self.narrowTuple, max(16, rest / 3))
        // The most useful first.
        let wanted: [(WritableKeyPath<TopColumns, Int>, Int)] = [
            (\.share, 6), (\.exhaustion, 7), (\.failed, 7), (\.bar, 6), (\.rate, 7), (\.spark, 6),
            (\.held, 7), (\.process, 21), (\.usable, 7), (\.timeWait, 4),
        ]
        for (column, width) in wanted where rest - width - 1 >= kept {
            self[keyPath: column] = width
            rest -= width + 1
        }
        guard process > 0 else {
            tuple = rest
            return
        }
        // Wide terminals show more of the past, too.
        tuple = min(kept + (rest - kept) / 2, Self.wideTuple)
        rest -= tuple
        let longerBar = min(rest / 4, 18)
        let longerSpark = min(rest - longerBar, TopHistory.seconds - spark)
        bar += longerBar
        spark += longerSpark
        tuple += rest - longerBar - longerSpark
    }
}
