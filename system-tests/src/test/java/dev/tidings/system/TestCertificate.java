// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// A certificate for `127.0.0.1` and its key, made for a test with the JDK's keytool.
///
/// Its chain is the certificate, and where an authority signed it, that one's.
final class TestCertificate {
  private static final String PASSWORD = "changeit";

  private final PrivateKey key;
  private final List<X509Certificate> chain;

  private TestCertificate(PrivateKey key, List<X509Certificate> chain) {
    this.key = key;
    this.chain = chain;
  }

  /// One that is its own authority.
  static TestCertificate ofName(String name, String... options) {
    return make(name, "EC", store -> {}, options);
  }

  /// One with an RSA key.
  static TestCertificate withRsa(String name) {
    return make(name, "RSA", store -> {});
  }

  /// One that an authority has signed.
  static TestCertificate signed(String name) {
    return make(
        name,
        "EC",
        store ->
            keytool(
                store,
                List.of("-alias", "ca", "-dname", "CN=authority", "-keyalg", "EC", "-ext", "bc:c")),
        "-signer",
        "ca");
  }

  private interface Preparation {
    void of(Path store);
  }

  private static TestCertificate make(
      String name, String algorithm, Preparation before, String... options) {
    try {
      Path folder = Files.createTempDirectory("tidings-certificate-");
      Path store = folder.resolve("store.p12");
      before.of(store);
      var arguments =
          new ArrayList<>(
              List.of("-alias", "own", "-dname", "CN=" + name, "-keyalg", algorithm, "-ext"));
      arguments.add("san=ip:127.0.0.1,dns:localhost");
      arguments.addAll(Arrays.asList(options));
      keytool(store, arguments);
      KeyStore made = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
      Files.delete(store);
      Files.delete(folder);
      return new TestCertificate(
          (PrivateKey) made.getKey("own", PASSWORD.toCharArray()),
          Arrays.stream(made.getCertificateChain("own")).map(X509Certificate.class::cast).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void keytool(Path store, List<String> arguments) {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J" + TidingsJvm.QUICK,
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD));
    command.addAll(arguments);
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (InputStream said = process.getInputStream()) {
        String text = new String(said.readAllBytes(), US_ASCII);
        if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
          throw new AssertionError("keytool: " + text);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  X509Certificate own() {
    return chain.getFirst();
  }

  /// Writes the chain to `cert.pem` in `folder`.
  void writeChain(Path folder) {
    var pem = new StringBuilder();
    try {
      for (Certificate certificate : chain) {
        pem.append(pem("CERTIFICATE", certificate.getEncoded()));
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
    replace(folder.resolve("cert.pem"), pem.toString());
  }

  /// Writes the key to `key.pem` in `folder`.
  void writeKey(Path folder) {
    replace(folder.resolve("key.pem"), pem("PRIVATE KEY", key.getEncoded()));
  }

  void write(Path folder) {
    writeKey(folder);
    writeChain(folder);
  }

  /// Writes only the last certificate of the chain, for those who should trust it.
  void writeAuthority(Path file) {
    try {
      replace(file, pem("CERTIFICATE", chain.getLast().getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String pem(String kind, byte[] bytes) {
    return "-----BEGIN "
        + kind
        + "-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(bytes)
        + "\n-----END "
        + kind
        + "-----\n";
  }

  /// In one step, as tools that renew certificates do.
  static void replace(Path file, String text) {
    try {
      Path beside = file.resolveSibling(file.getFileName() + ".new");
      Files.writeString(beside, text);
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What a client needs that trusts the last certificates of these chains.
  static SSLContext trusting(TestCertificate... trusted) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (int i = 0; i < trusted.length; i++) {
        store.setCertificateEntry("trusted-" + i, trusted[i].chain.getLast());
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
