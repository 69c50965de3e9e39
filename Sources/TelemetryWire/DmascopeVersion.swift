/// The version of dmascope, for greetings, `--version` and metrics.
public enum DmascopeVersion {
    /// The version number, as `0.1.0`.
    public static let number = "0.1.0"
    /// Name and version, as `dmascope 0.1.0`.
    public static let text = "dmascope \(number)"
}
