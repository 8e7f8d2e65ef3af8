/** An OpenID Connect provider that roles can trust, for example that of a CI service. */
export interface OidcProvider {
  /** `arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com` */
  readonly arn: string
  /** Returns a signed token (JWT, ES256). `exp` is in seconds since 1970; default: in one hour. */
  token(claims: { sub: string; aud: string; exp?: number }): string
}
