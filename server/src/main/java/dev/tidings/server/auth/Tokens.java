// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.TimeSource;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Issues and verifies the relay's access tokens: JWT signed with HS256, claims `sub`, `username`,
/// `permissions`, `exp`, `iat` (API of pulsar-relay v0.1.0), and `jti` and `sid`, the login that
/// the token belongs to.
///
/// Verified tokens are cached, since checking a signature costs more than the rest of a publish;
/// the expiry is checked each time.
@SuppressWarnings("JavaUtilDate") // Nimbus speaks in it
public final class Tokens {
  private static final int CACHED = 10_000;
  private static final int MAX_LENGTH = 4096;
  private static final String LOGIN = "sid";
  private static final String VERSION = "ver";

  private final MACSigner signer;
  private final MACVerifier verifier;
  private final Duration lifetime;
  private final TimeSource time;
  private final Cache<String, Verified> cache =
      Caffeine.newBuilder().maximumSize(CACHED).executor(Runnable::run).build();

  /// What a good token says.
  ///
  /// @param userId whose it is
  /// @param expiresAt milliseconds since 1970
  /// @param loginId the login it belongs to; empty if it belongs to none
  /// @param version that of the user's tokens when it was issued
  public record Verified(String userId, long expiresAt, Optional<String> loginId, int version) {}

  /// Tokens signed with `secret`, at least 32 characters, that live for `lifetime`.
  public Tokens(String secret, Duration lifetime, TimeSource time) {
    byte[] key = secret.getBytes(StandardCharsets.UTF_8);
    if (key.length < 32) {
      throw new IllegalArgumentException(
          "secret key: " + key.length + " bytes (expected: 32 or more)");
    }
    try {
      signer = new MACSigner(key);
      verifier = new MACVerifier(key);
    } catch (JOSEException e) {
      throw new IllegalStateException("the secret key cannot be used for HS256", e);
    }
    this.lifetime = lifetime;
    this.time = time;
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
    JWTClaimsSet claims =
        new JWTClaimsSet.Builder()
            .subject(user.id())
            .claim("username", user.username())
            .claim("permissions", permissions)
            .issueTime(new Date(issuedAt))
            .expirationTime(new Date(issuedAt + lifetime.toMillis()))
            .jwtID(UUID.randomUUID().toString())
            .claim(LOGIN, login.id())
            .claim(VERSION, user.tokenVersion() == 0 ? null : user.tokenVersion())
            .build();
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.HS256).type(JOSEObjectType.JWT).build(), claims);
    try {
      token.sign(signer);
    } catch (JOSEException e) {
      throw new IllegalStateException("a token could not be signed", e);
    }
    return token.serialize();
  }

  /// A permission as the API spells it.
  public static String spell(Permission permission) {
    return permission.name().toLowerCase(Locale.ROOT);
  }

  /// What `token` says, if it is signed with our key by HS256, complete and not expired.
  public Optional<Verified> verify(String token) {
    Verified known = cache.getIfPresent(token);
    if (known == null) {
      known = token.length() > MAX_LENGTH ? null : verifyAnew(token);
      if (known != null) {
        cache.put(token, known);
      }
    }
    return known != null && known.expiresAt() > time.wallMs()
        ? Optional.of(known)
        : Optional.empty();
  }

  private @Nullable Verified verifyAnew(String token) {
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      if (!JWSAlgorithm.HS256.equals(jwt.getHeader().getAlgorithm()) || !jwt.verify(verifier)) {
        return null;
      }
      JWTClaimsSet claims = jwt.getJWTClaimsSet();
      String userId = claims.getSubject();
      Date expiry = claims.getExpirationTime();
      if (userId == null || expiry == null) {
        return null;
      }
      String loginId = claims.getStringClaim(LOGIN);
      Integer version = claims.getIntegerClaim(VERSION);
      return verified(
          userId, expiry, loginId, claims.getIssueTime(), version == null ? 0 : version);
    } catch (ParseException | JOSEException | IllegalArgumentException _) {
      // Whatever it is, it is no token of ours; the caller is told so.
      return null;
    }
  }

  /// A token of a login that was issued when tokens lived longer lives no longer than they do now:
  /// a revoked login is remembered only for so long.
  private @Nullable Verified verified(
      String userId, Date expiry, @Nullable String loginId, @Nullable Date issued, int version) {
    if (loginId == null) {
      return new Verified(userId, expiry.getTime(), Optional.empty(), version);
    }
    return issued == null
        ? null
        : new Verified(
            userId,
            Math.min(expiry.getTime(), issued.getTime() + lifetime.toMillis()),
            Optional.of(loginId),
            version);
  }
}
