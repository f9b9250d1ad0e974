// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.X509KeyManager;
import org.jspecify.annotations.Nullable;

/// A certificate chain with its private key, ready to be shown to clients: both could be read, and
/// they belong together.
final class ServerCertificate {
  private static final Set<String> PROTOCOLS = Set.of("TLSv1.2", "TLSv1.3");
  private static final long HANDSHAKE_SECONDS = 10;
  private static final byte[] PROOF = "Tidings".getBytes(US_ASCII);

  private final PemKeyCertOptions pem;
  private final String subject;
  private final Instant ends;

  private ServerCertificate(PemKeyCertOptions pem, String subject, Instant ends) {
    this.pem = pem;
    this.subject = subject;
    this.ends = ends;
  }

  /// The certificate and key that these two PEM files hold.
  static ServerCertificate of(Vertx vertx, TlsSettings files, Buffer certificate, Buffer privateKey)
      throws UnusableCertificateException {
    PemKeyCertOptions pem =
        new PemKeyCertOptions().setCertValue(certificate).setKeyValue(privateKey);
    Entry entry = entry(vertx, files, pem);
    X509Certificate own = entry.chain().getFirst();
    if (!belongTogether(entry.key(), own.getPublicKey())) {
      throw new UnusableCertificateException(
          "tls.private-key: "
              + files.privateKey()
              + " is not the key of the first certificate in "
              + files.certificate()
              + " (expected: its key; where the file is a chain, the server's own certificate"
              + " first)",
          null);
    }
    Instant ends =
        entry.chain().stream()
            .map(link -> link.getNotAfter().toInstant())
            .min(Comparator.naturalOrder())
            .orElseThrow();
    return new ServerCertificate(pem, own.getSubjectX500Principal().getName(), ends);
  }

  private record Entry(PrivateKey key, List<X509Certificate> chain) {}

  private static Entry entry(Vertx vertx, TlsSettings files, PemKeyCertOptions pem)
      throws UnusableCertificateException {
    try {
      return Arrays.stream(pem.getKeyManagerFactory(vertx).getKeyManagers())
          .filter(X509KeyManager.class::isInstance)
          .map(X509KeyManager.class::cast)
          .flatMap(manager -> entry(manager).stream())
          .findFirst()
          .orElseThrow(() -> unusable(files, "of another kind than RSA and EC", null));
    } catch (UnusableCertificateException e) {
      throw e;
    } catch (Exception e) {
      // Whatever the parser met: it declares everything.
      throw unusable(files, String.valueOf(e.getMessage()), e);
    }
  }

  private static Optional<Entry> entry(X509KeyManager manager) {
    return Stream.of("RSA", "EC")
        .map(kind -> manager.getServerAliases(kind, null))
        .filter(aliases -> aliases != null && aliases.length > 0)
        .map(aliases ->
            new Entry(
                manager.getPrivateKey(aliases[0]),
                List.of(manager.getCertificateChain(aliases[0]))))
        .findFirst();
  }

  private static UnusableCertificateException unusable(
      TlsSettings files, String why, @Nullable Exception cause) {
    return new UnusableCertificateException(
        "tls.certificate, tls.private-key: "
            + files.certificate()
            + " and "
            + files.privateKey()
            + " cannot be used: "
            + why
            + " (expected: PEM files, one with the certificate, which may be followed by those up"
            + " to its authority, one with its RSA or EC key, not encrypted)",
        cause);
  }

  private static boolean belongTogether(PrivateKey key, PublicKey certified) {
    if (!key.getAlgorithm().equals(certified.getAlgorithm())) {
      return false;
    }
    try {
      String algorithm = key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
      Signature signing = Signature.getInstance(algorithm);
      signing.initSign(key);
      signing.update(PROOF);
      byte[] signature = signing.sign();
      signing.initVerify(certified);
      signing.update(PROOF);
      return signing.verify(signature);
    } catch (GeneralSecurityException _) {
      // As keys of different sizes or curves end.
      return false;
    }
  }

  /// Whom it names.
  String subject() {
    return subject;
  }

  /// When the first certificate of the chain ends.
  Instant ends() {
    return ends;
  }

  /// Makes a listener of `options` speak TLS with it: HTTP/1.1 over TLS 1.2 or later.
  void applyTo(HttpServerOptions options) {
    options
        .setSsl(true)
        .setKeyCertOptions(pem)
        .setUseAlpn(false)
        .setEnabledSecureTransportProtocols(PROTOCOLS)
        .setSslHandshakeTimeout(HANDSHAKE_SECONDS)
        .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS);
  }

  /// The same for a listener that speaks TLS already.
  ServerSSLOptions options() {
    return new ServerSSLOptions()
        .setKeyCertOptions(pem)
        .setUseAlpn(false)
        .setEnabledSecureTransportProtocols(PROTOCOLS)
        .setSslHandshakeTimeout(HANDSHAKE_SECONDS)
        .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS);
  }
}
