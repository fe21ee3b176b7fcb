/** Messages over TCP carry their length in front (RFC 1035, 4.2.2). */
export function framed(deliver: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  let buffer = new Uint8Array(0)
  return (bytes) => {
    const joined = new Uint8Array(buffer.length + bytes.length)
    joined.set(buffer)
    joined.set(bytes, buffer.length)
    buffer = joined
    while (buffer.length >= 2) {
      const length = ((buffer[0] as number) << 8) | (buffer[1] as number)
      if (buffer.length < length + 2) return
      deliver(buffer.slice(2, length + 2))
      buffer = buffer.slice(length + 2)
    }
  }
}

/** A message with its length in front. */
export function framedMessage(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(bytes.length + 2)
  message[0] = bytes.length >> 8
  message[1] = bytes.length & 255
  message.set(bytes, 2)
  return message
}
