import Events
import PortModel

extension Summary.BindPoolRow {
    var peakUsage: PortUsage { PortUsage(held: peak, usable: usable) }
}
