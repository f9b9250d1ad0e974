// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pages;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.dataformat.yaml.YAMLFactory;

/// All files of the pages by their paths, read from the class path: about 3 MiB. There are no
/// others, so no path leads out of them.
final class PageFiles {
  private static final String JSON = "application/json";
  private static final String HTML = "text/html; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";
  private static final String STYLE = "text/css; charset=utf-8";
  private static final String IMAGE = "image/png";

  private PageFiles() {}

  static Map<String, PageFile> load() {
    return Map.of(
        "/openapi.json", PageFile.of(JSON, toJson(own("openapi.yaml"))),
        "/docs", PageFile.of(HTML, own("docs.html")),
        "/docs/docs.js", PageFile.of(SCRIPT, own("docs.js")),
        "/docs/swagger-ui.css", PageFile.of(STYLE, webJar("swagger-ui", "swagger-ui.css")),
        "/docs/swagger-ui-bundle.js",
            PageFile.of(SCRIPT, webJar("swagger-ui", "swagger-ui-bundle.js")),
        "/docs/favicon.png", PageFile.of(IMAGE, webJar("swagger-ui", "favicon-32x32.png")),
        "/redoc", PageFile.of(HTML, own("redoc.html")),
        "/redoc/redoc.js", PageFile.of(SCRIPT, own("redoc.js")),
        "/redoc/redoc.css", PageFile.of(STYLE, own("redoc.css")),
        "/redoc/redoc.standalone.js", PageFile.of(SCRIPT, webJar("redoc", "redoc.standalone.js")));
  }

  private static byte[] toJson(byte[] yaml) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonParser in =
            new YAMLFactory()
                .createParser(ObjectReadContext.empty(), new ByteArrayInputStream(yaml));
        JsonGenerator out = new JsonFactory().createGenerator(ObjectWriteContext.empty(), json)) {
      in.nextToken();
      out.copyCurrentStructure(in);
    }
    return json.toByteArray();
  }

  private static byte[] own(String name) {
    return resource("/dev/tidings/server/pages/" + name);
  }

  /// A file of the WebJar `name`, whose paths have its version in them.
  private static byte[] webJar(String name, String file) {
    Properties properties = new Properties();
    try {
      properties.load(
          new ByteArrayInputStream(
              resource("/META-INF/maven/org.webjars/" + name + "/pom.properties")));
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
    String version = properties.getProperty("version", "");
    return resource("/META-INF/resources/webjars/" + name + "/" + version + "/" + file);
  }

  private static byte[] resource(String path) {
    try (InputStream in = PageFiles.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException(path + " is not on the class path (expected: in a jar)");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read", e);
    }
  }
}
