const encoder = new TextEncoder()

/** Words that stand in the dictionary with their length before them, 32 bits each. */
const words =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status'.split(
    ' ',
  )
const tail = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin']

/** What follows runs on without lengths. */
const text =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found' +
  '500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public' +
  'privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

/** The dictionary of the SPDY/3 draft (2.6.10.1) that header blocks are compressed with. */
export const dictionary: Uint8Array = build()

/** Its Adler-32 checksum: the DICTID in a zlib header. */
export const dictionaryId = 0xe3c6a7c2

function build(): Uint8Array {
  const out: number[] = []
  for (const word of [...words, ...tail]) out.push(0, 0, 0, word.length, ...encoder.encode(word))
  out.push(...encoder.encode(text))
  return new Uint8Array(out)
}
