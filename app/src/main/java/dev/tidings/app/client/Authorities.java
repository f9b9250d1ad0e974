// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// The authorities a client trusts to have signed the certificate of its server.
public final class Authorities {
  private final SSLContext context;

  private Authorities(SSLContext context) {
    this.context = context;
  }

  /// Those that Java knows.
  public static Authorities wellKnown() {
    try {
      return new Authorities(SSLContext.getDefault());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }

  /// Those in a PEM file, and no others. A server's own certificate counts as its authority.
  ///
  /// @throws RequestException if the file holds none
  public static Authorities in(Path file) throws RequestException {
    try (InputStream in = Files.newInputStream(file)) {
      Collection<? extends Certificate> certificates =
          CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (certificates.isEmpty()) {
        throw new RequestException(
            "--ca-file: " + file + " is empty (expected: a PEM file with certificates)");
      }
      return new Authorities(trusting(certificates));
    } catch (IOException | GeneralSecurityException e) {
      throw new RequestException(
          "--ca-file: "
              + file
              + " cannot be used: "
              + e
              + " (expected: a PEM file with certificates)",
          e);
    }
  }

  private static SSLContext trusting(Collection<? extends Certificate> certificates)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int number = 0;
    for (Certificate certificate : certificates) {
      store.setCertificateEntry("authority-" + number++, certificate);
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  SSLContext context() {
    return context;
  }
}
