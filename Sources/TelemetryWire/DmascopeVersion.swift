/// Which dmascope this is: what a server greets with, and what the program says of itself.
public enum DmascopeVersion {
    /// The version alone.
    public static let number = "0.1.0"
    /// Name and version.
    public static let text = "dmascope \(number)"
}
