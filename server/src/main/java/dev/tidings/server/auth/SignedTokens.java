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
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.text.ParseException;
import java.util.Optional;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;

/// Signs and reads tokens of one kind: JWT with HS256 and a key of that kind's own, so that no
/// token can ever be taken for one of another kind.
final class SignedTokens {
  private static final int KEY_BYTES = 32;
  // The longest a header may be.
  private static final int MAX_LENGTH = 8192;
  private static final JWSHeader HEADER =
      new JWSHeader.Builder(JWSAlgorithm.HS256).type(JOSEObjectType.JWT).build();

  private final MACSigner signer;
  private final MACVerifier verifier;

  /// Makes of its claims what a token says.
  ///
  /// @param <T> what it says
  interface Reading<T> {
    /// What a token with these claims says; empty if something is missing.
    Optional<T> of(JWTClaimsSet claims) throws ParseException;
  }

  private SignedTokens(byte[] key) throws JOSEException {
    signer = new MACSigner(key);
    verifier = new MACVerifier(key);
  }

  /// Tokens signed with `secret` itself, 32 bytes or more.
  static SignedTokens with(String secret) {
    byte[] key = secret.getBytes(StandardCharsets.UTF_8);
    if (key.length < KEY_BYTES) {
      throw new IllegalArgumentException(
          "secret key: " + key.length + " bytes (expected: " + KEY_BYTES + " or more)");
    }
    try {
      return new SignedTokens(key);
    } catch (JOSEException e) {
      throw new IllegalStateException("the secret key cannot be used for HS256", e);
    }
  }

  /// Tokens signed with a key that is derived from `secret` for `purpose` alone.
  static SignedTokens derived(String secret, String purpose) {
    try {
      SecretKey key =
          KDF.getInstance("HKDF-SHA256")
              .deriveKey(
                  "HmacSHA256",
                  HKDFParameterSpec.ofExtract()
                      .addIKM(secret.getBytes(StandardCharsets.UTF_8))
                      .thenExpand(purpose.getBytes(StandardCharsets.US_ASCII), KEY_BYTES));
      return new SignedTokens(key.getEncoded());
    } catch (GeneralSecurityException | JOSEException e) {
      throw new IllegalStateException("no key for a " + purpose + " can be derived", e);
    }
  }

  /// A token that says `claims`.
  String sign(JWTClaimsSet claims) {
    SignedJWT token = new SignedJWT(HEADER, claims);
    try {
      token.sign(signer);
    } catch (JOSEException e) {
      throw new IllegalStateException("a token could not be signed", e);
    }
    return token.serialize();
  }

  /// What `token` says, expired or not, if it is signed with our key by HS256.
  <T> Optional<T> read(String token, Reading<T> reading) {
    if (token.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      return JWSAlgorithm.HS256.equals(jwt.getHeader().getAlgorithm()) && jwt.verify(verifier)
          ? reading.of(jwt.getJWTClaimsSet())
          : Optional.empty();
    } catch (ParseException | JOSEException | IllegalArgumentException _) {
      // Whatever it is, it is no token of ours; the caller is told so.
      return Optional.empty();
    }
  }
}
