import Glibc

/// How many files this process may have open (RLIMIT_NOFILE).
package enum OpenFileLimit {
    /// Raises the limit to its maximum, and the maximum itself when it is below `needed`.
    ///
    /// Throws EPERM when `needed` is more than this user, or fs.nr_open, allows.
    package static func raise(toHold needed: Int) throws(SystemError) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else {
            throw SystemError(errno, "getrlimit", "RLIMIT_NOFILE")
        }
        limit.rlim_max = max(limit.rlim_max, rlim_t(needed))
        limit.rlim_cur = limit.rlim_max
        guard unsafe setrlimit(resource, &limit) == 0 else {
            throw SystemError(errno, "setrlimit", "RLIMIT_NOFILE \(limit.rlim_max)")
        }
    }
}
