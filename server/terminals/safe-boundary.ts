/** No sequence that matters is longer; what is longer is taken as it is. */
const longest = 256

/**
 * How many of the last bytes are the beginning of something unfinished, a UTF-8 character or an escape sequence. A screen is drawn
 * without them, and the stream goes on with them: else the rest of the sequence would be drawn as text.
 * ECMA-48 5.4 (CSI), 5.6 (control strings).
 */
export function unfinishedTail(bytes: Uint8Array): number {
  const from = Math.max(0, bytes.length - longest)
  for (let at = bytes.length - 1; at >= from; at--) {
    if (bytes[at] === 0x1b && !endsInside(bytes, at)) continue
    if (bytes[at] === 0x1b) return bytes.length - at
  }
  return unfinishedCharacter(bytes)
}

/** Whether the escape sequence that begins at `at` is still open at the end. */
function endsInside(bytes: Uint8Array, at: number): boolean {
  const kind = bytes[at + 1]
  if (kind === undefined) return true
  if (kind === 0x5b) {
    for (let i = at + 2; i < bytes.length; i++) if ((bytes[i] ?? 0) >= 0x40 && (bytes[i] ?? 0) <= 0x7e) return false
    return true
  }
  // OSC, DCS, SOS, PM, APC: until BEL or ST (ESC \).
  if ([0x5d, 0x50, 0x58, 0x5e, 0x5f].includes(kind)) {
    for (let i = at + 2; i < bytes.length; i++) if (bytes[i] === 0x07 || (bytes[i] === 0x1b && bytes[i + 1] === 0x5c)) return false
    return true
  }
  for (let i = at + 1; i < bytes.length; i++) if ((bytes[i] ?? 0) >= 0x30 && (bytes[i] ?? 0) <= 0x7e) return false
  return true
}

function unfinishedCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}
