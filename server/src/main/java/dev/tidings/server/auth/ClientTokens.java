// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.tidings.core.directory.Client;
import dev.tidings.core.runtime.TimeSource;
import java.text.ParseException;
import java.time.Duration;
import java.util.Date;
import java.util.Optional;

/// Issues and reads the access tokens of clients: JWT signed with HS256, claims `sub`, `exp`,
/// `iat`, `scope` and `ver` (API of fastpubsub).
///
/// They are good for one version of their client, so its scopes are those in the token.
@SuppressWarnings("JavaUtilDate") // Nimbus speaks in it
public final class ClientTokens {
  private static final String SCOPE = "scope";
  private static final String VERSION = "ver";

  private final SignedTokens signed;
  private final Duration lifetime;
  private final TimeSource time;

  /// Tokens signed with a key derived from `secret`, that live for `lifetime`.
  public ClientTokens(String secret, Duration lifetime, TimeSource time) {
    this.signed = SignedTokens.derived(secret, "tidings client token");
    this.lifetime = lifetime;
    this.time = time;
  }

  /// How long a token lives.
  public Duration lifetime() {
    return lifetime;
  }

  /// A token of `client` as it is now.
  public String issue(Client client) {
    long now = time.wallMs();
    return signed.sign(
        new JWTClaimsSet.Builder()
            .subject(client.id())
            .issueTime(new Date(now))
            .expirationTime(new Date(now + lifetime.toMillis()))
            .claim(SCOPE, client.scopes().text())
            .claim(VERSION, client.tokenVersion())
            .build());
  }

  /// What `token` says, expired or not, if it is one of ours.
  Optional<Verified> read(String token) {
    return signed.read(token, ClientTokens::verified);
  }

  private static Optional<Verified> verified(JWTClaimsSet claims) throws ParseException {
    String clientId = claims.getSubject();
    Date expiry = claims.getExpirationTime();
    Integer version = claims.getIntegerClaim(VERSION);
    return clientId == null || expiry == null || version == null
        ? Optional.empty()
        : Optional.of(new Verified.OfClient(clientId, expiry.getTime(), version));
  }
}
