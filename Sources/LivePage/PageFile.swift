/// A file of the page. A new one is a row in ``all``, and a resource of the module in `Package.swift`.
public struct PageFile: Sendable {
    /// Where it is found, as `/page.css`.
    public let path: String
    /// Its type, as HTTP's `Content-Type` says it.
    public let contentType: String
    /// What is in it. The bytes are part of the program.
    public let bytes: [UInt8]

    private init(_ path: String, _ contentType: String, _ bytes: [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
    }

    /// All of them; the page itself is the first.
    public static let all = [
        PageFile("/", "text/html; charset=utf-8", PackageResources.index_html),
        PageFile("/page.css", "text/css; charset=utf-8", PackageResources.page_css),
        PageFile("/icon.svg", "image/svg+xml", PackageResources.icon_svg),
        script("page", PackageResources.page_js),
        script("feed", PackageResources.feed_js),
        script("model", PackageResources.model_js),
        script("format", PackageResources.format_js),
        script("dom", PackageResources.dom_js),
        script("chart", PackageResources.chart_js),
        script("devices", PackageResources.devices_js),
        script("groups", PackageResources.groups_js),
        script("lists", PackageResources.lists_js),
    ]

    private static func script(_ name: String, _ bytes: [UInt8]) -> PageFile {
        PageFile("/\(name).js", "text/javascript; charset=utf-8", bytes)
    }
}
