/// A file of the page. To add one, add a row to ``all`` and a resource to the target in `Package.swift`.
public struct PageFile: Sendable {
    /// The path of the URL, for example `/page.css`.
    public let path: String
    /// The value of HTTP's `Content-Type`.
    public let contentType: String
    /// The contents, compiled into the program.
    public let bytes: [UInt8]

    private init(_ path: String, _ contentType: String, _ bytes: [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
    }

    /// All files. The first is the HTML page.
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
        script("memory", PackageResources.memory_js),
        script("trouble", PackageResources.trouble_js),
    ]

    private static func script(_ name: String, _ bytes: [UInt8]) -> PageFile {
        PageFile("/\(name).js", "text/javascript; charset=utf-8", bytes)
    }
}
