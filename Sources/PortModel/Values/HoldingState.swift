/// The TCP states in which a connection holds its port, by the names that `ss` and the kernel have.
package enum HoldingState: String, Hashable, Sendable, CaseIterable {
    case established = "ESTABLISHED"
    case synSent = "SYN_SENT"
    case synReceived = "SYN_RECV"
    case finWait1 = "FIN_WAIT1"
    case finWait2 = "FIN_WAIT2"
    case timeWait = "TIME_WAIT"
    case closeWait = "CLOSE_WAIT"
    case lastAck = "LAST_ACK"
    case closing = "CLOSING"

    /// - Parameter number: as the kernel numbers the TCP states.
    package init?(tcp number: UInt8) {
        switch number {
        case 1: self = .established
        case 2: self = .synSent
        case 3: self = .synReceived
        case 4: self = .finWait1
        case 5: self = .finWait2
        case 6: self = .timeWait
        case 8: self = .closeWait
        case 9: self = .lastAck
        case 11: self = .closing
        default: return nil
        }
    }
}
