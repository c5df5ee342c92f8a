"""Makes PNG files of the screen small: a palette instead of four bytes a dot, and texts beside it. No library needed."""
import struct
import zlib
from collections import Counter

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunks(png):
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at:at + 4])
        yield png[at + 4:at + 8], png[at + 8:at + 8 + length]
        at += 12 + length


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(png):
    """Width and rows of dots, 0xRRGGBB each, of an RGB or RGBA picture of 8 bits; what shows through is white."""
    parts = list(chunks(png))
    width, height, depth, colour, _, _, laced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or colour not in (2, 6) or laced:
        raise ValueError(f"a PNG of depth {depth}, colour type {colour}")
    size = 4 if colour == 6 else 3
    raw = zlib.decompress(b"".join(data for kind, data in parts if kind == b"IDAT"))
    line, found = bytearray(width * size), []
    for y in range(height):
        at = y * (width * size + 1)
        line = unfilter(raw[at], bytearray(raw[at + 1:at + 1 + width * size]), line, size)
        found.append([dot(line[x:x + size]) for x in range(0, width * size, size)])
    return width, found


def unfilter(kind, line, above, size):
    """RFC 2083 §6."""
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(line, above))
    if kind:
        for x in range(len(line)):
            left = line[x - size] if x >= size else 0
            corner = above[x - size] if x >= size else 0
            if kind == 1:
                guess = left
            elif kind == 3:
                guess = (left + above[x]) // 2
            else:
                guess = min((left, above[x], corner), key=lambda one: abs(left + above[x] - corner - one))
            line[x] = (line[x] + guess) & 255
    return line


def dot(parts):
    if len(parts) == 4 and parts[3] != 255:
        parts = [(one * parts[3] + 255 * (255 - parts[3])) // 255 for one in parts[:3]]
    return parts[0] << 16 | parts[1] << 8 | parts[2]


def palette_of(counted):
    """At most 256 colours, the most frequent ones; and which of them stands for each colour."""
    chosen = [colour for colour, _ in counted.most_common(256)]
    place = {colour: at for at, colour in enumerate(chosen)}

    def far(a, b):
        return sum(((a >> shift & 255) - (b >> shift & 255)) ** 2 for shift in (0, 8, 16))
    for colour in counted:
        if colour not in place:
            place[colour] = min(range(len(chosen)), key=lambda at: far(chosen[at], colour))
    return chosen, place


def smaller(png, texts=None, part=None):
    """The same picture of at most 256 colours; `texts`: keyword -> text, kept in it; `part`: left, top, width, height."""
    width, lines = rows(png)
    if part:
        left, top, width, height = part
        lines = [line[left:left + width] for line in lines[top:top + height]]
    counted = Counter(colour for line in lines for colour in line)
    # Shades that nobody tells apart are one: else a window's shadow takes all colours.
    coarse = len(counted) > 256
    if coarse:
        lines = [[colour & 0xF8F8F8 | colour >> 5 & 0x070707 for colour in line] for line in lines]
        counted = Counter(colour for line in lines for colour in line)
    chosen, place = palette_of(counted)
    raw = b"".join(b"\0" + bytes(place[colour] for colour in line) for line in lines)
    return b"".join([
        SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(lines), 8, 3, 0, 0, 0)),
        chunk(b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in chosen)),
        *(chunk(b"tEXt", f"{key}\0{text}".encode("latin-1")) for key, text in (texts or {}).items()),
        chunk(b"IDAT", zlib.compress(raw, 9)), chunk(b"IEND", b"")])
