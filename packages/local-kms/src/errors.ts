/**
 * An error of an AWS service.
 *
 * `type` is the `__type` of the JSON protocols and the `Code` of the query protocol. An empty
 * message is omitted, as KMS does for InvalidCiphertextException. Authorization errors have the
 * member `Message`, errors of most services `message`: clients must read both.
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

/** An error for the code that starts the local KMS, not for its clients. */
export class LocalKmsError extends Error {
  readonly code: LocalKmsErrorCode

  constructor(code: LocalKmsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LocalKmsError'
    this.code = code
  }
}
