import PortModel

/// How something stood over the time of a run, in bounded space: one point for so many seconds as
/// `RunReport.secondsPerPoint` says, from the first one in which it was seen to the end of the run.
package struct TimeSeries: Hashable, Sendable {
    /// The place of the first point: it begins `first * secondsPerPoint` seconds after the start.
    package private(set) var first = 0
    /// One after the other, without a gap.
    package private(set) var points: [Point] = []
    /// How it stood last.
    private var last = Point()
    /// The last second that is in `points`.
    private var second = -1

    package init() {}

    /// One second, or several of them taken together.
    package struct Point: Hashable, Sendable {
        /// Ports held, TIME_WAITs included: the most at the end of any of the seconds.
        package var held: UInt32 = 0
        /// How many of `held` were in TIME_WAIT, and what was usable, at that moment. For all tuples
        /// together `usable` is 0, as each has its own ports.
        package var timeWait: UInt32 = 0
        package var usable: UInt32 = 0
        /// Connects with a port, sockets closed, and calls without a port, in all of the seconds.
        package var opened: UInt32 = 0
        package var closed: UInt32 = 0
        package var failed: UInt32 = 0
        /// Microseconds that the kernel searched for a port, of the searches that took long: the most
        /// that a second had on average, or that a failed one took; 0 if none took long.
        package var search: UInt32 = 0

        package init() {}

        init(_ usage: PortUsage) {
            held = UInt32(clamping: usage.held)
            timeWait = UInt32(clamping: usage.timeWait)
            usable = UInt32(clamping: usage.usable)
        }

        /// The same for a moment later, as far as nothing happens.
        fileprivate var usage: Point {
            var point = Point()
            (point.held, point.timeWait, point.usable) = (held, timeWait, usable)
            return point
        }

        fileprivate mutating func merge(_ other: Point) {
            if other.held > held {
                (held, timeWait, usable) = (other.held, other.timeWait, other.usable)
            }
            count(other)
        }

        /// Adds what happened.
        mutating func count(_ other: Point) {
            opened = UInt32(clamping: Int(opened) + Int(other.opened))
            closed = UInt32(clamping: Int(closed) + Int(other.closed))
            failed = UInt32(clamping: Int(failed) + Int(other.failed))
            search = max(search, other.search)
        }
    }

    /// What happened in `second` since the start, never before an earlier one, and how it stood at its
    /// end; `width`: seconds for one point.
    mutating func add(_ point: Point, in second: Int, width: Int) {
        carry(to: second, width: width)
        enter(point, at: second / width)
        last = point.usage
        self.second = max(second, self.second)
    }

    /// It stood as it did until `second`, that one not included.
    mutating func carry(to second: Int, width: Int) {
        guard !points.isEmpty, self.second + 1 < second else { return }
        for place in (self.second + 1) / width...(second - 1) / width { enter(last, at: place) }
        self.second = second - 1
    }

    /// - Parameter place: of the last point, or of the one after it.
    private mutating func enter(_ point: Point, at place: Int) {
        if points.isEmpty { first = place }
        if place - first >= points.count {
            points.append(point)
        } else {
            points[points.count - 1].merge(point)
        }
    }

    /// Takes two points together, as the width doubles.
    mutating func halve() {
        var halved: [Point] = []
        halved.reserveCapacity(points.count / 2 + 1)
        for (offset, point) in points.enumerated() {
            if halved.isEmpty || (first + offset) % 2 == 0 {
                halved.append(point)
            } else {
                halved[halved.count - 1].merge(point)
            }
        }
        points = halved
        first /= 2
    }
}
