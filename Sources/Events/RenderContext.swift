import PortModel

/// What the writers cannot know by themselves, and what may change while they write.
package struct RenderContext: Sendable {
    package var timestamps: Timestamps
    /// What to call network namespaces, by their identity.
    package var namespaceNames: [UInt32: String]
    /// Names of the devices that sockets are bound to.
    package var deviceNames: [NetworkDevice: String] = [:]
    /// The identity of the namespace that goes without saying in text.
    package var ownNamespace: UInt32?
    /// `ECONNREFUSED` for its number.
    package let errnoName: @Sendable (Int32) -> String
    /// What to call a peer in text, if that is known by now; nil if addresses are to be written.
    package var hostName: (@Sendable (IPAddress) -> String?)?

    package init(
        timestamps: Timestamps, namespaceNames: [UInt32: String], ownNamespace: UInt32?,
        errnoName: @escaping @Sendable (Int32) -> String
    ) {
        (self.timestamps, self.errnoName) = (timestamps, errnoName)
        (self.namespaceNames, self.ownNamespace) = (namespaceNames, ownNamespace)
    }

    /// The name of a device, or its number.
    package func name(of device: NetworkDevice) -> String {
        deviceNames[device] ?? String(device.index)
    }

    /// That of nobody.
    package static var blank: RenderContext {
        RenderContext(
            timestamps: Timestamps(realtimeOffset: 0, localOffset: 0), namespaceNames: [:],
            ownNamespace: nil, errnoName: { "errno \($0)" })
    }
}
