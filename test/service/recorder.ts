/** What the update API was asked and said, for tests and the demo; and the replies scripted for it. */

export interface RecordedRequest {
  atMs: number;
  method: string;
  path: string;
  query: Record<string, string>;
  userAgent: string;
  /** From the Basic header; never the password. */
  username?: string;
  authorizationPresent: boolean;
  remoteAddress: string;
  /** What was decided, even when the line was cut before the reply. */
  status: number;
  replyBody: string;
  /** The names in `hostname=`. */
  hosts: string[];
}

export interface ScriptedReply {
  /** Default 200. */
  status?: number;
  body?: string;
  headers?: Record<string, string>;
}

export interface Recorder {
  requests(): readonly RecordedRequest[];
  record(request: RecordedRequest, unexpected: boolean): void;
  /** Calls back for each request from now on; the result ends it. */
  onRequest(run: (request: RecordedRequest) => void): () => void;
  /** The next request from now on; rejects after the timeout (real milliseconds). */
  nextRequest(timeoutMs: number): Promise<RecordedRequest>;
  script(reply: ScriptedReply): void;
  nextScripted(): ScriptedReply | undefined;
  clearScript(): void;
  /** Throws when a scripted reply was never fetched or something was asked that is no update call. */
  assertQuiet(): void;
}

const maxRequests = 10_000;

export function createRecorder(): Recorder {
  const requests: RecordedRequest[] = [];
  const unexpected: string[] = [];
  const listeners = new Set<(request: RecordedRequest) => void>();
  const script: ScriptedReply[] = [];

  function onRequest(run: (request: RecordedRequest) => void): () => void {
    listeners.add(run);
    return () => void listeners.delete(run);
  }

  return {
    requests: () => [...requests],
    record(request, isUnexpected) {
      requests.push(request);
      if (requests.length > maxRequests) requests.shift();
      if (isUnexpected) unexpected.push(`${request.method} ${request.path}`);
      for (const run of [...listeners]) run(request);
    },
    onRequest,
    nextRequest(timeoutMs) {
      return new Promise((resolve, reject) => {
        const stop = onRequest((request) => {
          clearTimeout(timer);
          stop();
          resolve(request);
        });
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`No update request within ${timeoutMs} ms`));
        }, timeoutMs);
      });
    },
    script: (reply) => void script.push(reply),
    nextScripted: () => script.shift(),
    clearScript: () => void script.splice(0),
    assertQuiet() {
      const faults = [
        ...script.map((reply) => `scripted reply never fetched: ${reply.status ?? 200} ${reply.body ?? ''}`),
        ...unexpected.map((what) => `unexpected request: ${what}`),
      ];
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}
