import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeBase64 } from '../../base64.ts'
import { readRequest } from './pkcs10.ts'

/** Made with `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=dev/O=ops/CN=jane`. */
const request = `-----BEGIN CERTIFICATE REQUEST-----
MIHlMIGNAgEAMCsxDDAKBgNVBAoMA2RldjEMMAoGA1UECgwDb3BzMQ0wCwYDVQQD
DARqYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwpm/ksyHEvlIStUnXoKG
wHsvpGpVYAC3FFDJ+PkFXli7Wf4+yrok7VcOo6H9z6Bq69nwUb8/gb67rsIfTOSq
SKAAMAoGCCqGSM49BAMCA0cAMEQCIDYhimnjM+mwzv8OaVPXbaXwbtEO+Z7oRe+8
dREUmqCFAiAJDPzXDDC+5JlglQolFd3Y5bL89AUGhAhhOB8pAAI2uA==
-----END CERTIFICATE REQUEST-----
`
const base64 = (text: string) => encodeBase64(new TextEncoder().encode(text))

test('reads who a request is for', () => {
  expect(readRequest(base64(request))).toMatchObject({ subject: { commonName: 'jane', organizations: ['dev', 'ops'] } })
})

test('says what is wrong in the words of Go', () => {
  expect(readRequest(base64('nothing'))).toEqual({ error: 'PEM block type must be CERTIFICATE REQUEST' })
  expect(readRequest(base64(request.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')))).toEqual({
    error: 'PEM block type must be CERTIFICATE REQUEST',
  })
  expect(readRequest(base64(request.replace(/\n[^\n]+\n-----END/, '\n-----END')))).toEqual({ error: 'asn1: syntax error: data truncated' })
})

test('never throws, whatever the block holds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const answer = readRequest(base64(`-----BEGIN CERTIFICATE REQUEST-----\n${encodeBase64(bytes)}\n-----END CERTIFICATE REQUEST-----\n`))
      expect('error' in answer || 'subject' in answer).toBe(true)
    }),
  )
})
