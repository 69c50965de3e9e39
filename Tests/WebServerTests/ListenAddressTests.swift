import WebServer
import Testing

@Suite struct ListenAddressTests {
    @Test(
        arguments: [
            ("127.0.0.1:9876", ListenAddress.tcp(host: "127.0.0.1", port: 9876)),
            ("[::1]:0", .tcp(host: "::1", port: 0)),
            ("localhost:65535", .tcp(host: "localhost", port: 65535)), ("unix:/a/b", .unix(path: "/a/b")), ("", nil),
            ("*:9876", .tcp(host: ListenAddress.everyHost, port: 9876)), ("[::]:1", .tcp(host: "::", port: 1)),
            ("9876", nil), ("[]:9876", nil), ("a:65536", nil), (":65536", nil), ("::1", nil), ("a:-1", nil),
            ("::1:80", nil), ("unix:", nil),
            ("a:b", nil),
        ] as [(String, ListenAddress?)])
    func addressesAreRead(text: String, address: ListenAddress?) {
        #expect(ListenAddress(text) == address)
        if let address { #expect(address.description == text) }
    }

    @Test func aPortAloneIsOneOfAllAddresses() {
        #expect(ListenAddress(":9876") == ListenAddress("*:9876"))
    }
}
