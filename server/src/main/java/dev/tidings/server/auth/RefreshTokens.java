// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.tidings.core.directory.Login;
import java.text.ParseException;
import java.util.Date;
import java.util.Optional;

/// Issues and reads refresh tokens: JWT that name a login and its generation. What they are worth
/// the login says; nothing secret is stored.
@SuppressWarnings("JavaUtilDate") // Nimbus speaks in it
final class RefreshTokens {
  private static final String LOGIN = "sid";
  private static final String GENERATION = "gen";

  private final SignedTokens signed;

  /// What a refresh token says.
  ///
  /// @param userId whose it is
  /// @param loginId the login it renews
  /// @param generation that of the login when the token was issued
  /// @param expiresAt milliseconds since 1970
  record Claim(String userId, String loginId, int generation, long expiresAt) {}

  /// Tokens signed with a key derived from `secret`.
  RefreshTokens(String secret) {
    this.signed = SignedTokens.derived(secret, "tidings refresh token");
  }

  /// The token that renews `login` as it is now.
  String issue(Login login) {
    return signed.sign(
        new JWTClaimsSet.Builder()
            .subject(login.userId())
            .claim(LOGIN, login.id())
            .claim(GENERATION, login.generation())
            .expirationTime(new Date(login.expiresAt()))
            .build());
  }

  /// What `token` says, expired or not, if it is one of ours.
  Optional<Claim> read(String token) {
    return signed.read(token, RefreshTokens::claim);
  }

  private static Optional<Claim> claim(JWTClaimsSet claims) throws ParseException {
    return Optional.of(
        new Claim(
            claims.getSubject(),
            claims.getStringClaim(LOGIN),
            claims.getIntegerClaim(GENERATION),
            claims.getExpirationTime().getTime()));
  }
}
