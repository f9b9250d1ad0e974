// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.JsonNode;

/// Makes tokens, good and forged ones, without the server's help.
final class Jwt {

  private Jwt() {}

  static JsonNode claims(String token) {
    return Json.parse(new String(Base64.getUrlDecoder().decode(parts(token).get(1)), UTF_8));
  }

  static List<String> parts(String token) {
    return Arrays.asList(token.split("\\.", -1));
  }

  /// The claims of a token with one of them replaced.
  static Map<String, Object> claimsWith(String token, String name, Object value) {
    var claims = new HashMap<String, Object>();
    claims(token).properties().forEach(entry -> claims.put(entry.getKey(), entry.getValue()));
    claims.put(name, value);
    return claims;
  }

  static String hs256(Object claims, String key) {
    String signed = encode(Map.of("alg", "HS256", "typ", "JWT")) + "." + encode(claims);
    return signed + "." + base64(hmac(signed, key));
  }

  /// `alg: none`, in a spelling of choice, and an empty signature.
  static String unsigned(Object claims, String none) {
    return encode(Map.of("alg", none, "typ", "JWT")) + "." + encode(claims) + ".";
  }

  /// Signed by a key pair of the attacker's own.
  static String rs256(Object claims) {
    String signed = encode(Map.of("alg", "RS256", "typ", "JWT")) + "." + encode(claims);
    try {
      var generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      var signature = Signature.getInstance("SHA256withRSA");
      signature.initSign(generator.generateKeyPair().getPrivate());
      signature.update(signed.getBytes(UTF_8));
      return signed + "." + base64(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  static String encode(Object json) {
    return base64(Json.write(json).getBytes(UTF_8));
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static byte[] hmac(String text, String key) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key.getBytes(UTF_8), "HmacSHA256"));
      return mac.doFinal(text.getBytes(UTF_8));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}
