/// What the oracle does at random.
enum Operation: CaseIterable {
    case connect, connectFromAddress, connectFromNamedPort, connectFromAnyPort
    case connectFromTakenPort, connectToNobody, connectToSilent, connectToItself, connectAgain
    case accept, listen, stopListening
    case closeClient, closePeer, abortClient, abortPeer
    case halfCloseClient, halfClosePeer, writeToPeer, writeToClient
    case startChild, killChild
    case changeRange, changeReserved, changeReuse
    case destroyTimeWaits, destroyConnections

    /// How often, in relation to the others.
    var weight: Int {
        switch self {
        case .connect: 60
        case .closeClient, .closePeer: 30
        case .abortClient, .abortPeer, .halfCloseClient, .halfClosePeer: 10
        case .connectFromAddress, .connectFromNamedPort, .connectFromAnyPort, .accept: 10
        case .connectToNobody, .connectAgain: 8
        case .connectFromTakenPort, .connectToItself, .writeToPeer, .writeToClient: 4
        case .connectToSilent, .listen, .stopListening, .startChild, .killChild: 2
        case .changeRange, .changeReserved, .changeReuse: 1
        case .destroyTimeWaits, .destroyConnections: 1
        }
    }

    static func random(using generator: inout some RandomNumberGenerator) -> Operation {
        var place = Int.random(in: 0..<allCases.map(\.weight).reduce(0, +), using: &generator)
        for operation in allCases {
            place -= operation.weight
            if place < 0 { return operation }
        }
        return .connect
    }
}
