import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import Testing

/// DPDK's recorded answers to requests that need no device.
private let recording = #"""
    # state	request	is the reply JSON	reply
    started	/help,/	json	{"/help":{"/":"Returns list of available commands, Takes no parameters"}}
    started	/help,/help	json	{"/help":{"/help":"Returns help text for a command. Parameters: string command"}}
    started	/dmadev/list	json	{"/dmadev/list":[0]}
    started	/dmadev/list,	json	{"/dmadev/list":[0]}
    started	/dmadev/list,0	json	{"/dmadev/list":[0]}
    started	/dmadev/	json	{"/dmadev/":null}
    started	/DMADEV/LIST	json	{"/DMADEV/LIST":null}
    started	 /dmadev/list	json	{" /dmadev/list":null}
    started	/dmadev/list\x0a	not-json	{"/dmadev/list\x0a":null}
    started	nope	json	{"nope":null}
    started	 	json	{" ":null}
    started	\x0a	not-json	{"\x0a":null}
    started	,,	json	{"(null)":null}
    started	\x00/dmadev/list	json	{"(null)":null}
    started	x	json	{"x":null}
    started	/a"b,c	not-json	{"/a"b":null}
    started	{"json":1}	not-json	{"{"json":1}":null}
    started	\x01\x02\x03	not-json	{"\x01\x02\x03":null}
    started	\xc3\xa9	json	{"\xc3\xa9":null}
    started	aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa	json	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":null}
    unconfigured	/help,nope	json	{"/help":null}
    unconfigured	/dmadev	json	{"/dmadev":null}
    unconfigured	/dmadev/list 	json	{"/dmadev/list ":null}
    unconfigured	/dmadev/list\x0d\x0a	not-json	{"/dmadev/list\x0d\x0a":null}
    unconfigured	/dmadev/list\x00,0	json	{"/dmadev/list":[0]}
    unconfigured	//dmadev/list	json	{"//dmadev/list":null}
    unconfigured	/nope	json	{"/nope":null}
    unconfigured	,	json	{"(null)":null}
    unconfigured	a\x09b	not-json	{"a\x09b":null}
    unconfigured	aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa	json	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":null}
    """#

@Suite struct WireTests {
    @Test func everyRecordedRequestIsAnsweredAsDPDKDoesIt() throws {
        let test = try TestServer([TelemetryCommand(path: "/dmadev/list", help: "") { _ in .array([0]) }])
        let client = try test.connect()
        let rows = try #require(WireRecording(recording)).rows
        #expect(rows.count == 30)
        for row in rows {
            let expected = try #require(row.expected, "\(row)")
            let reply = try #require(client.ask(row.request), "\(row)")
            #expect(try JSONValue(parsing: reply).tree == expected, "\(row)")
            #expect(
                !row.isJSON || row.expected?.keys == [""] || Array(reply.utf8) == row.reply, "byte for byte: \(row)")
        }
    }

    @Test func slashesAreNotEscaped() throws {
        #expect(
            try TestServer().connect().ask("/help,/")
                == #"{"/help":{"/":"Returns list of available commands, Takes no parameters"}}"#)
    }

    @Test func bytesThatAreNotUTF8GiveValidJSON() throws {
        let client = try TestServer().connect()
        #expect(client.ask([0xFF, 0xFE, 0x41]) == "{\"\u{FFFD}\u{FFFD}A\":null}")
        #expect(client.ask(Array("/help,".utf8) + [0x80]) == #"{"/help":null}"#)
    }

    @Test func aLongRequestIsAnsweredWithNullAndSaidSo() throws {
        let client = try TestServer([TelemetryCommand(path: "/ok", help: "") { _ in JSONValue(true) }]).connect()
        let longest = "/ok," + String(repeating: "9", count: 1019)
        #expect(client.value(longest) == .bool(true))
        #expect(client.value(longest + "9") == .null)
        let reason = client.value("/telemetry/errors")?[0]?["reason"]?.string
        #expect(reason?.contains("1024") == true && reason?.contains("1023") == true)
    }
}
