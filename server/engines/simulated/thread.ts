import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { FromThread, ThreadNotice, ThreadRequest, ToThread } from './messages.ts'

type Unsent<T> = T extends unknown ? Omit<T, 'port'> : never

/** One call to a thread, as its caller sees it. */
export interface Call {
  send(message: ToThread): void
  /** Ends the call from this side; the thread drops whatever it does for it. */
  close(): void
}

/** A failure that a thread reports: `code` is stable. */
export class ThreadError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'ThreadError'
    this.code = code
  }
}

/**
 * Where new objects live until the collector comes by, MB: three semi-spaces of 32, twice what V8 gives. A restore makes 10 MB of objects
 * at once, all of them alive; in less room the collector copies them over and over.
 */
const youngGenerationMb = 96

/** A worker thread that hosts simulated clusters. */
export class ClusterThread {
  readonly #worker: Worker
  readonly #open = new Set<(error: Error) => void>()
  #ended: Error | undefined

  constructor(onNotice: (notice: ThreadNotice) => void, onDeath: (error: Error) => void) {
    this.#worker = new Worker(new URL('./worker-entry.mjs', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    })
    this.#worker.unref()
    this.#worker.on('message', onNotice)
    const end = (error: Error) => {
      if (this.#ended) return
      this.#ended = error
      for (const fail of [...this.#open]) fail(error)
      onDeath(error)
    }
    this.#worker.on('error', end)
    this.#worker.on('exit', (code) => end(new ThreadError('thread-ended', `A simulator thread ended with code ${code}.`)))
  }

  /** Starts a call whose messages go to `receive`; `fail` is called when the thread dies under it. */
  open(request: Unsent<ThreadRequest>, receive: (message: FromThread) => void, fail: (error: Error) => void): Call {
    if (this.#ended) {
      fail(this.#ended)
      return { send: () => {}, close: () => {} }
    }
    const { port1, port2 } = new MessageChannel()
    this.#open.add(fail)
    const close = () => {
      this.#open.delete(fail)
      port1.close()
    }
    port1.on('message', receive)
    const message = { ...request, port: port2 } as ThreadRequest
    this.#worker.postMessage(message, [port2 as unknown as MessagePort])
    return { send: (sent) => port1.postMessage(sent), close }
  }

  /** A call with one answer. */
  ask<T>(request: Unsent<ThreadRequest>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = (act: () => void) => {
        signal?.removeEventListener('abort', abort)
        call.close()
        act()
      }
      const abort = () => {
        call.send({ kind: 'cancel' })
        finish(() => reject(signal?.reason))
      }
      const call = this.open(
        request,
        (message) => {
          if (message.kind === 'done') finish(() => resolve(message.value as T))
          else if (message.kind === 'failed') finish(() => reject(new ThreadError(message.code, message.message)))
        },
        reject,
      )
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Test hook and last resort: ends the thread at once. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }
}
