import Events
import PortModel

/// The findings of `portgauge doctor`, whichever the form they are written in.
package struct DoctorReport: Sendable {
    /// The version of Linux.
    package var kernel: String
    /// The file with the kernel's types.
    package var typesPath = ""
    /// The errno for which it cannot be read; nil if it can.
    package var typesRefusal: String?

    package var rightsToTrace: [Right] = []
    package var rightsForNamespaces: [Right] = []
    /// The names of the rights that are kept while tracing.
    package var keptRights: [String] = []

    /// The hooks that this kernel needs, in force or refused; nil where none could be tried.
    package var hooks: [Hook]?
    /// Why portgauge cannot trace here; nil if it can. Lines after the first one are the kernel's own.
    package var refusal: String?

    /// The namespace of this process; nil if its settings cannot be read, because of `unread`.
    package var own: Namespace?
    package var unread: String?
    package var others: [Namespace] = []
    /// Network namespaces that cannot be looked into.
    package var closed = 0

    package init(kernel: String) { self.kernel = kernel }

    /// A capability.
    package struct Right: Sendable {
        let name: String
        let purpose: String
        let isHeld: Bool

        package init(_ name: String, purpose: String, isHeld: Bool) {
            (self.name, self.purpose, self.isHeld) = (name, purpose, isHeld)
        }
    }

    package struct Hook: Sendable {
        let name: String
        let purpose: String
        /// The errno for which it is not in force; nil if it is.
        let refusal: String?
        /// The loss that its absence means; nil if nothing works without it.
        let loss: String?

        package init(_ name: String, purpose: String, refusal: String?, loss: String?) {
            (self.name, self.purpose, self.refusal, self.loss) = (name, purpose, refusal, loss)
        }
    }

    /// A network namespace, and what its settings do.
    package struct Namespace: Sendable {
        /// The name that a person knows it by; nil if nothing names it.
        let name: String?
        let inode: UInt32
        /// Leads there.
        let path: String
        let settings: NetworkSettings
        /// False if its sockets could not be listed.
        let hasSockets: Bool
        let review: SettingsReview

        package init(
            name: String?, inode: UInt32, path: String, settings: NetworkSettings,
            hasSockets: Bool, review: SettingsReview
        ) {
            (self.name, self.inode, self.path) = (name, inode, path)
            (self.settings, self.hasSockets, self.review) = (settings, hasSockets, review)
        }
    }

    /// Other namespaces worth a mention: their settings are not those of this one, or hurt.
    var notable: [Namespace] {
        others.filter { other in
            var settings = other.settings
            // Whatever namespace they are of.
            settings.namespace.inode = own?.settings.namespace.inode ?? 0
            return other.review.hurts || settings != own?.settings
        }
    }
}
