import TelemetryWire
import TestSupport
import Testing

@Suite struct JSONValueTests {
    @Test func membersStayInTheOrderTheyWereSet() {
        var object = JSONValue.object()
        object.set("zebra", 1)
        object.set("apple", "x")
        object.set("mango", true)
        object.set(name: "run" + "time", 0.5)
        #expect(object.text == #"{"zebra":1,"apple":"x","mango":true,"runtime":0.5}"#)
        object.set("apple", JSONValue())
        #expect(object.text == #"{"zebra":1,"apple":null,"mango":true,"runtime":0.5}"#)
    }

    @Test func valuesNest() {
        var inner = JSONValue.array([1, 2, 3])
        inner.append(JSONValue.array(["a", ""]))
        inner.append(JSONValue.object())
        inner.append(JSONValue.array())
        var outer = JSONValue.object()
        outer.set("/list", inner)
        #expect(outer.text == #"{"/list":[1,2,3,["a",""],{},[]]}"#)
    }

    @Test func integersAreExactToTheLastBit() {
        #expect(JSONValue(UInt64.max).text == "18446744073709551615")
        #expect(JSONValue(Int64.min).text == "-9223372036854775808")
        #expect(JSONValue(UInt8(255)).text == "255")
        #expect(JSONValue(Int8(-128)).text == "-128")
    }

    @Test func doublesAreShortAndAlwaysJSON() {
        #expect(JSONValue(0.1).text == "0.1")
        #expect(JSONValue(1e300).text == "1e+300")
        #expect(JSONValue(Double.nan).text == "null")
        #expect(JSONValue(-Double.infinity).text == "null")
    }

    @Test func whatMustBeEscapedIsAndSlashesAreNot() {
        #expect(JSONValue("a\"b\\c/\n\t\u{1}\0é").text == #""a\"b\\c/\n\t\u0001\u0000é""#)
        var object = JSONValue.object()
        object.set(name: "q\"\n", 1)
        #expect(object.text == #"{"q\"\n":1}"#)
    }

    @Test func bytesThatAreNotUTF8AreRepaired() {
        #expect(JSONValue(repairing: [0x61, 0xFF, 0x62]).text == "\"a\u{FFFD}b\"")
        #expect(JSONValue(repairing: [0xC3]).text == "\"\u{FFFD}\"")
        #expect(JSONValue(repairing: []).text == #""""#)
    }

    @Test func aNULInAKeyDoesNotCutIt() {
        var object = JSONValue.object()
        object.set(name: "a\0b", 1)
        #expect(object.text == "{\"a\u{FFFD}b\":1}")
    }

    @Test func theSoleMemberComesOut() throws {
        #expect(try JSONValue(parsing: #"{"/x":[1]}"#).soleMember()?.text == "[1]")
        #expect(try JSONValue(parsing: #"{"/x":null}"#).soleMember()?.isNull == true)
        #expect(try JSONValue(parsing: #"{"a":1,"b":2}"#).soleMember() == nil)
        #expect(try JSONValue(parsing: "{}").soleMember() == nil)
        #expect(try JSONValue(parsing: "[1]").soleMember() == nil)
    }

    @Test func aQuestionThatDoesNotFitTheKindIsAnsweredWithNil() throws {
        let value = try JSONValue(parsing: #"{"a":[10,-1,18446744073709551615,1.5,"s",true,null]}"#)
        #expect(value.integer == nil && value.string == nil && value.bool == nil && value.double == nil)
        #expect(value.count == 1 && value.kind == .object && !value.isNull)
        #expect(value.withMember("b") { $0.text } == nil)
        #expect(value.withElement(at: 0) { $0.text } == nil)
        let tree = value.tree["a"]
        #expect(tree?[0]?.integer == 10 && tree?[0]?.unsigned == 10 && tree?[0]?.double == 10)
        #expect(tree?[1]?.integer == -1 && tree?[1]?.unsigned == nil)
        #expect(tree?[2]?.integer == nil && tree?[2]?.unsigned == .max)
        #expect(tree?[3]?.double == 1.5 && tree?[3]?.integer == nil)
        #expect(tree?[4]?.string == "s" && tree?[5]?.bool == true && tree?[6] == .null && tree?[7] == nil)
        #expect(value.withMember("a") { $0.withElement(at: 2) { $0.unsigned } } == .some(.some(.max)))
    }

    @Test func theTreeComesBackTheSameFromItsText() throws {
        var random = SeededGenerator(for: "theTreeComesBackTheSameFromItsText")
        for _ in 0..<500 {
            let tree = randomTree(depth: 4, &random)
            let text = JSONValue(tree).text
            #expect(try JSONValue(parsing: text).tree == tree, "\(text)")
        }
    }

    private func randomTree(depth: Int, _ random: inout SeededGenerator) -> JSONTree {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .integer(Int64(bitPattern: random.next()))
        case 3: .unsigned(random.next() | 1 << 63)
        case 4: .double(Double(Int64(bitPattern: random.next())) / 1024 + 0.5)
        case 5: .string(randomString(&random))
        case 6: .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in randomTree(depth: depth - 1, &random) })
        default:
            .object(
                (0..<Int.random(in: 0..<5, using: &random)).map {
                    .init(
                        "\($0)" + randomString(&random).split(separator: "\0").joined(),
                        randomTree(depth: depth - 1, &random))
                })
        }
    }

    private func randomString(_ random: inout SeededGenerator) -> String {
        let bytes = (0..<Int.random(in: 0..<20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite struct JSONParsingTests {
    @Test(arguments: [
        "", " ", "{", "}", "nul", #"{"a":1,}"#, "[1 2]", "'a'", #"{"a"b":null}"#, "[1] x", "{} {}", "\"\u{1}", "NaN",
        "{a:1}", "[1,2", "\"abc", "01x", "tru", "-Infinity", "{\"a\n\":null}", "[\"\t\"]",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONParseError.self) { _ = try JSONValue(parsing: text).isNull }
    }

    @Test(arguments: ["1", "-0.5", "null", " [ ] ", "\"a\"", "true", "{}\n", "12345678901234567890"])
    func anyValueMayStandAlone(_ text: String) throws {
        _ = try JSONValue(parsing: text).kind
    }

    /// What a text leaves in the parser is no part of the next one.
    @Test func aParserParsesTheNextTextAfterAnyOther() throws {
        let parser = JSONParser()
        for text in ["[1,2", "\"abc", "{\"a\":[", "12", "NaN", "[1 2]", String(repeating: "[", count: 1000), ""] {
            _ = try? Array(text.utf8).withUnsafeBytes { _ = try parser.parse($0).isNull }
            let next = try Array(#"{"b":[3,null]}"#.utf8).withUnsafeBytes { try parser.parse($0).text }
            #expect(next == #"{"b":[3,null]}"#, "after \(text.prefix(10))")
        }
    }

    /// A parser keeps long names; whatever the texts before had, each text has its own.
    @Test func aParserReadsTheSameTreeAsAValueHas() throws {
        let parser = JSONParser()
        for number in 0..<2000 {
            let name = "a_name_of_twenty_bytes_\(number % 700)"
            let text =
                #"{"\#(name)":[\#(number),-1,18446744073709551615,0.5,null,true,"é\n"],"short":{"\#(name)x":\#(Int64.max)}}"#
            let bytes = Array(text.utf8)
            let tree = try bytes.withUnsafeBytes { try parser.parseTree($0) }
            #expect(tree == (try JSONValue(parsing: text)).tree)
            #expect(tree.keys == [name, "short"])
        }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let bytes: [UInt8] = [0x22, 0xFF, 0x22]
        #expect(throws: JSONParseError.self) {
            try bytes.withUnsafeBytes { _ = try JSONValue(parsing: $0).isNull }
        }
    }

    @Test func aTextCannotNestWithoutEnd() throws {
        let fine = JSONValue.maximumDepth - 1
        _ = try JSONValue(parsing: String(repeating: "[", count: fine) + String(repeating: "]", count: fine)).kind
        #expect(throws: JSONParseError.self) {
            _ = try JSONValue(parsing: String(repeating: "[", count: 100_000)).isNull
        }
    }
}
