/**
 * Words that many published packages contain, and that are values of members of secrets: the engine of a
 * database, the type of an account. Each is a word or an address that everybody knows, never a random
 * string.
 */
const COMMON_WORDS = new Set(
  `postgres postgresql aurora-postgresql aurora-mysql mariadb mysql2 sqlserver sqlserver-ee sqlserver-se
  sqlserver-ex sqlserver-web oracle-ee oracle-se2 oracle-ee-cdb mongodb mongodb+srv cassandra dynamodb
  documentdb redshift snowflake bigquery clickhouse elasticsearch opensearch memcached rabbitmq
  cockroachdb cockroach timescaledb better-sqlite3 sqlite-memory
  service_account authorized_user external_account impersonated_service_account gdch_service_account
  googleapis.com client_credentials authorization_code refresh_token password_credentials
  private_key_jwt client_secret_post client_secret_basic application/json
  localhost 127.0.0.1 [::1] 0.0.0.0 host.docker.internal
  production development staging preproduction sandbox internal external disabled enabled required
  optional verify-ca verify-full prefer-tls allow_tls
  administrator username application database default_db information_schema template0 template1
  utf8mb4_unicode_ci utf8mb4_general_ci unicode_ci
  undefined function prototype constructor arguments properties description identifier protocol
  template hostname transform document interface container directory filename position location
  endpoint connection parameters attribute attributes resource response platform instance`.split(
    /\s+/,
  ),
)

/** The addresses in every service account file of Google Cloud, whose members have names of secrets. */
const COMMON_ADDRESSES = new Set([
  'https://accounts.google.com/o/oauth2/auth',
  'https://accounts.google.com/o/oauth2/v2/auth',
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v1/certs',
  'https://sts.googleapis.com/v1/token',
  'https://iamcredentials.googleapis.com',
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:aws:token-type:aws4_request',
])

/** Names of members whose value is searched for even if it is a common word. */
const SECRET_NAME =
  /pass|pwd|secret|key|token|cred|auth|cert|sig|salt|seed|pin\b|otp|cookie|session/i

/**
 * Returns whether the value of a member is a common word, which is not searched for. Only members of JSON
 * and dotenv files can be: a secret whose complete value is such a word is searched for, and so is a
 * member with the name of a secret.
 */
export const isCommonWord = (path: string[], value: string): boolean =>
  COMMON_ADDRESSES.has(value) ||
  (COMMON_WORDS.has(value.toLowerCase()) && !path.some((name) => SECRET_NAME.test(name)))
