import Glibc

/// Standard output, a whole line at once also where it is a pipe.
enum Output {
    static func line(_ text: String) {
        print(text)
        fflush(nil)
    }
}
