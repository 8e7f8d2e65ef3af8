/**
 * A refusal as AWS sends it over the wire.
 *
 * `type` is the `__type` of the JSON protocols and the `Code` of the query protocol. An empty
 * message is left out of the body, as KMS does for InvalidCiphertextException. The layer of AWS
 * that authorises writes `Message`, the services themselves `message`: clients must read both, so
 * the difference is kept.
 */
export class AwsError extends Error {
  readonly type: string
  readonly status: number
  readonly messageField: 'message' | 'Message'

  constructor(
    type: string,
    message = '',
    {
      status = 400,
      messageField = 'message',
    }: {
      status?: number
      messageField?: 'message' | 'Message'
    } = {},
  ) {
    super(message)
    this.name = type
    this.type = type
    this.status = status
    this.messageField = messageField
  }
}

export type LocalKmsErrorCode =
  | 'STATE_CORRUPT'
  | 'STATE_ELSEWHERE'
  | 'STATE_IN_USE'
  | 'STATE_UNWRITABLE'
  | 'BAD_OPTION'

/** What goes wrong for whoever starts the local KMS, as opposed to whoever calls it. */
export class LocalKmsError extends Error {
  readonly code: LocalKmsErrorCode

  constructor(code: LocalKmsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LocalKmsError'
    this.code = code
  }
}
