const decoder = new TextDecoder()

/** Base64 to bytes; what is no base64 is empty, as the API server lets none of it in. */
export function decodeBytes(base64: string): Uint8Array {
  let raw: string
  try {
    raw = atob(base64)
  } catch {
    return new Uint8Array(0)
  }
  const bytes = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i)
  return bytes
}

export function decodeText(base64: string): string {
  return decoder.decode(decodeBytes(base64))
}

/** Unpadded, URL-safe: as in a JSON Web Token. */
export function encodeUrl(text: string): string {
  let raw = ''
  for (const byte of new TextEncoder().encode(text)) raw += String.fromCharCode(byte)
  return btoa(raw).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}
