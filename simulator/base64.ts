/** Bytes per step: a multiple of 3, so that the pieces' codes join, and few enough to be arguments of one call. */
const step = 24_576

/** Standard base64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += step) text += btoa(String.fromCharCode(...bytes.subarray(at, at + step)))
  return text
}

/** URL-safe and without padding (RFC 4648, section 5): as in a JSON Web Token. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Undefined where the text is not base64. Line breaks are skipped, as Go's decoder does. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/[\r\n]/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return undefined
  const raw = atob(plain)
  const bytes = new Uint8Array(raw.length)
  for (let index = 0; index < raw.length; index++) bytes[index] = raw.charCodeAt(index)
  return bytes
}

/** UTF-8 text of base64; what is no base64 is empty. */
export function decodeBase64Text(text: string): string {
  return new TextDecoder().decode(decodeBase64(text) ?? new Uint8Array(0))
}
