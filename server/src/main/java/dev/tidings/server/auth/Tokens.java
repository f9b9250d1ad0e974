// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import java.text.ParseException;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/// Issues and reads the access tokens of users: JWT signed with HS256, claims `sub`, `username`,
/// `permissions`, `exp`, `iat` (API of pulsar-relay v0.1.0), and `jti` and `sid`, the login that
/// the token belongs to.
@SuppressWarnings("JavaUtilDate") // Nimbus speaks in it
public final class Tokens {
  private static final String LOGIN = "sid";
  private static final String VERSION = "ver";

  private final SignedTokens signed;
  private final Duration lifetime;

  /// Tokens signed with `secret`, at least 32 characters, that live for `lifetime`.
  public Tokens(String secret, Duration lifetime) {
    this.signed = SignedTokens.with(secret);
    this.lifetime = lifetime;
  }

  /// How long a token lives.
  public Duration lifetime() {
    return lifetime;
  }

  /// A token of `login`, which is one of `user`'s. It counts from when that was opened or renewed:
  /// a login that is revoked meanwhile must not have tokens that are younger.
  public String issue(User user, Login login) {
    long issuedAt = login.usedAt();
    List<String> permissions = user.permissions().stream().map(Tokens::spell).sorted().toList();
    return signed.sign(
        new JWTClaimsSet.Builder()
            .subject(user.id())
            .claim("username", user.username())
            .claim("permissions", permissions)
            .issueTime(new Date(issuedAt))
            .expirationTime(new Date(issuedAt + lifetime.toMillis()))
            .jwtID(UUID.randomUUID().toString())
            .claim(LOGIN, login.id())
            .claim(VERSION, user.tokenVersion() == 0 ? null : user.tokenVersion())
            .build());
  }

  /// A permission as the API spells it.
  public static String spell(Permission permission) {
    return permission.name().toLowerCase(Locale.ROOT);
  }

  /// What `token` says, expired or not, if it is one of ours.
  Optional<Verified> read(String token) {
    return signed.read(token, this::verified);
  }

  private Optional<Verified> verified(JWTClaimsSet claims) throws ParseException {
    String userId = claims.getSubject();
    Date expiry = claims.getExpirationTime();
    String loginId = claims.getStringClaim(LOGIN);
    Date issued = claims.getIssueTime();
    if (userId == null || expiry == null || (loginId != null && issued == null)) {
      return Optional.empty();
    }
    // A token of a login that was issued when tokens lived longer lives no longer than they do now:
    // a revoked login is remembered only for so long.
    long expiresAt =
        loginId == null || issued == null
            ? expiry.getTime()
            : Math.min(expiry.getTime(), issued.getTime() + lifetime.toMillis());
    Integer version = claims.getIntegerClaim(VERSION);
    return Optional.of(
        new Verified.OfUser(
            userId, expiresAt, Optional.ofNullable(loginId), version == null ? 0 : version));
  }
}
