import Glibc

/// Whether this process runs under ThreadSanitizer.
public enum ThreadSanitizer {
    /// Its runtime is part of the process.
    public static let isActive = dlsym(nil, "__tsan_init") != nil
}
