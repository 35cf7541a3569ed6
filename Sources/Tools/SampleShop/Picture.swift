/// What a product looks like.
enum Drawing: Sendable {
    case kettle, headphones, lamp, backpack, bag, book, dice, chair, bicycle, cup, camera, shirt, boots

    /// The shapes on a square of 100 by 100, back to front.
    var shapes: [Shape] {
        switch self {
        case .kettle: [.ring(50, 34, 22, 5, 2), .box(28, 40, 44, 42, 1), .box(70, 46, 14, 7, 1), .disc(50, 36, 5, 3), .box(24, 82, 52, 5, 2)]
        case .headphones: [.ring(50, 52, 34, 7, 2), .box(8, 56, 84, 40, 0), .box(12, 52, 16, 30, 1), .box(72, 52, 16, 30, 1)]
        case .lamp: [.box(46, 40, 6, 44, 2), .box(30, 84, 38, 6, 2), .wedge(50, 14, 34, 30, 1), .disc(50, 46, 6, 3)]
        case .backpack: [.ring(50, 24, 14, 5, 2), .box(24, 26, 52, 62, 1), .box(32, 56, 36, 26, 2), .box(46, 56, 8, 10, 3)]
        case .bag: [.box(28, 20, 44, 68, 1), .box(28, 20, 44, 10, 2), .disc(50, 58, 14, 3), .box(48, 46, 4, 24, 1)]
        case .book: [.box(26, 18, 50, 66, 1), .box(22, 18, 8, 66, 2), .box(38, 32, 28, 5, 3), .box(38, 42, 20, 4, 3)]
        case .dice: [.box(24, 24, 52, 52, 1), .disc(37, 37, 6, 3), .disc(63, 37, 6, 3), .disc(50, 50, 6, 3), .disc(37, 63, 6, 3), .disc(63, 63, 6, 3)]
        case .chair: [.box(32, 14, 6, 74, 2), .box(32, 14, 34, 6, 1), .box(32, 26, 34, 6, 1), .box(32, 50, 38, 8, 1), .box(64, 50, 6, 38, 2)]
        case .bicycle:
            [.ring(28, 62, 18, 4, 2), .ring(72, 62, 18, 4, 2), .box(28, 60, 24, 4, 1), .box(40, 40, 30, 4, 1), .box(48, 40, 4, 22, 1), .box(68, 34, 4, 28, 1)]
        case .cup: [.ring(70, 52, 14, 5, 2), .box(26, 34, 42, 42, 1), .box(20, 78, 54, 5, 2), .box(26, 34, 42, 6, 3)]
        case .camera: [.box(18, 34, 64, 42, 1), .box(38, 26, 24, 10, 1), .disc(50, 55, 17, 2), .disc(50, 55, 9, 3), .box(66, 40, 10, 6, 3)]
        case .shirt: [.box(32, 24, 36, 62, 1), .box(14, 24, 20, 18, 1), .box(66, 24, 20, 18, 1), .wedge(50, 22, 10, 14, 0), .box(49, 40, 2, 44, 2)]
        case .boots:
            [
                .box(20, 20, 20, 56, 1), .box(20, 60, 28, 20, 1), .box(56, 20, 20, 56, 1), .box(56, 60, 28, 20, 1), .box(20, 80, 28, 5, 2),
                .box(56, 80, 28, 5, 2),
            ]
        }
    }
}

/// A shape in one of the palette's colours: 0 background, 1 main, 2 dark, 3 light.
enum Shape: Sendable {
    case box(Int, Int, Int, Int, UInt8)
    case disc(Int, Int, Int, UInt8)
    case ring(Int, Int, Int, Int, UInt8)
    /// A triangle: top, half width and height.
    case wedge(Int, Int, Int, Int, UInt8)

    func colour(x: Int, y: Int) -> UInt8? {
        switch self {
        case .box(let left, let top, let width, let height, let colour):
            return (left..<(left + width)).contains(x) && (top..<(top + height)).contains(y) ? colour : nil
        case .disc(let centreX, let centreY, let radius, let colour):
            return Self.square(x - centreX, y - centreY) <= radius * radius ? colour : nil
        case .ring(let centreX, let centreY, let radius, let width, let colour):
            let distance = Self.square(x - centreX, y - centreY)
            return distance <= radius * radius && distance >= (radius - width) * (radius - width) ? colour : nil
        case .wedge(let centreX, let top, let half, let height, let colour):
            guard (top..<(top + height)).contains(y) else { return nil }
            return abs(x - centreX) * height <= half * (y - top) ? colour : nil
        }
    }

    private static func square(_ x: Int, _ y: Int) -> Int { x * x + y * y }
}

/// Draws a product's picture.
enum Picture {
    static let size = 300

    static func png(_ drawing: Drawing, seed: String) -> [UInt8] {
        let shapes = drawing.shapes
        var pixels = [UInt8](repeating: 0, count: size * size)
        for row in 0..<size {
            for column in 0..<size {
                let x = column * 100 / size
                let y = row * 100 / size
                for shape in shapes {
                    if let colour = shape.colour(x: x, y: y) { pixels[row * size + column] = colour }
                }
            }
        }
        return PNG.encode(width: size, height: size, pixels: pixels, palette: palette(seed))
    }

    /// A colour of its own for each product, the same at each start.
    private static func palette(_ seed: String) -> [UInt32] {
        let mains: [UInt32] = [0x3F7D4E, 0x2F6690, 0xB5563C, 0x7A5195, 0xC08A2B, 0x4A6670, 0x9C3D54]
        let index = seed.utf8.reduce(0) { ($0 * 31 + Int($1)) % 9973 } % mains.count
        let main = mains[index]
        let dark = (main >> 1) & 0x7F7F7F
        return [0xF1F4EE, main, dark, 0xF6E7B4]
    }
}
