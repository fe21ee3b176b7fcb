const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Standard base64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    text += alphabet[group >> 18]! + alphabet[(group >> 12) & 63]!
    text += at + 1 < bytes.length ? alphabet[(group >> 6) & 63]! : '='
    text += at + 2 < bytes.length ? alphabet[group & 63]! : '='
  }
  return text
}

/** Undefined where the text is not base64. Line breaks are skipped, as Go's decoder does. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/[\r\n]/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return undefined
  const padding = plain.endsWith('==') ? 2 : plain.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((plain.length / 4) * 3 - padding)
  let into = 0
  for (let at = 0; at < plain.length; at += 4) {
    let group = 0
    for (let index = 0; index < 4; index++) group = (group << 6) | Math.max(0, alphabet.indexOf(plain[at + index]!))
    for (const shift of [16, 8, 0]) if (into < bytes.length) bytes[into++] = (group >> shift) & 255
  }
  return bytes
}
