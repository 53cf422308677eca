import PortModel

extension Summary.Calls {
    var total: Int { connects + binds }
}

extension Summary.BindPoolRow {
    var peakUsage: PortUsage { PortUsage(held: peak, usable: usable) }
}
