import Glibc
import LinuxSystem

/// How many files this process may have open (RLIMIT_NOFILE).
package enum OpenFileLimit {
    /// Raises the limit to its maximum, and the maximum itself when it is below `needed`.
    ///
    /// Throws EPERM when `needed` is more than this user, or fs.nr_open, allows.
    package static func raise(toHold needed: Int) throws(SystemError) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        // SAFETY: the kernel fills the limit, and then reads it.
        try check("getrlimit RLIMIT_NOFILE") { unsafe getrlimit(resource, &limit) }
        limit.rlim_max = max(limit.rlim_max, rlim_t(needed))
        limit.rlim_cur = limit.rlim_max
        try check("setrlimit RLIMIT_NOFILE \(limit.rlim_max)") {
            unsafe setrlimit(resource, &limit)
        }
    }
}
