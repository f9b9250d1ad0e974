// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.tidings.core.directory.Login;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.text.ParseException;
import java.util.Date;
import java.util.Optional;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;

/// Issues and reads refresh tokens: JWT that name a login and its generation. What they are worth
/// the login says; nothing secret is stored.
///
/// They are signed with a key of their own that is derived from the server's, so that neither an
/// access token nor a refresh token can ever be taken for the other.
@SuppressWarnings("JavaUtilDate") // Nimbus speaks in it
final class RefreshTokens {
  private static final byte[] PURPOSE = "tidings refresh token".getBytes(StandardCharsets.US_ASCII);
  private static final int KEY_BYTES = 32;
  private static final int MAX_LENGTH = 4096;
  private static final String LOGIN = "sid";
  private static final String GENERATION = "gen";

  private final MACSigner signer;
  private final MACVerifier verifier;

  /// What a refresh token says.
  ///
  /// @param userId whose it is
  /// @param loginId the login it renews
  /// @param generation that of the login when the token was issued
  /// @param expiresAt milliseconds since 1970
  record Claim(String userId, String loginId, int generation, long expiresAt) {}

  /// Tokens signed with a key derived from `secret`.
  RefreshTokens(String secret) {
    try {
      SecretKey key =
          KDF.getInstance("HKDF-SHA256")
              .deriveKey(
                  "HmacSHA256",
                  HKDFParameterSpec.ofExtract()
                      .addIKM(secret.getBytes(StandardCharsets.UTF_8))
                      .thenExpand(PURPOSE, KEY_BYTES));
      signer = new MACSigner(key);
      verifier = new MACVerifier(key);
    } catch (GeneralSecurityException | JOSEException e) {
      throw new IllegalStateException("no key for refresh tokens can be derived", e);
    }
  }

  /// The token that renews `login` as it is now.
  String issue(Login login) {
    JWTClaimsSet claims =
        new JWTClaimsSet.Builder()
            .subject(login.userId())
            .claim(LOGIN, login.id())
            .claim(GENERATION, login.generation())
            .expirationTime(new Date(login.expiresAt()))
            .build();
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.HS256).type(JOSEObjectType.JWT).build(), claims);
    try {
      token.sign(signer);
    } catch (JOSEException e) {
      throw new IllegalStateException("a refresh token could not be signed", e);
    }
    return token.serialize();
  }

  /// What `token` says, expired or not, if it is one of ours.
  Optional<Claim> read(String token) {
    if (token.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      if (!JWSAlgorithm.HS256.equals(jwt.getHeader().getAlgorithm()) || !jwt.verify(verifier)) {
        return Optional.empty();
      }
      JWTClaimsSet claims = jwt.getJWTClaimsSet();
      return Optional.of(
          new Claim(
              claims.getSubject(),
              claims.getStringClaim(LOGIN),
              claims.getIntegerClaim(GENERATION),
              claims.getExpirationTime().getTime()));
    } catch (ParseException | JOSEException | IllegalArgumentException _) {
      // Whatever it is, it is no token of ours; the caller is told so.
      return Optional.empty();
    }
  }
}
