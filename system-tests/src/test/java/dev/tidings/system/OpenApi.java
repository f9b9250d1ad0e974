// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import com.networknt.schema.Error;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The document at `/openapi.json`, and whether answers are as it says.
///
/// Answers are held to it strictly: what a schema does not name must not be there, unless it says
/// `additionalProperties`. The document itself leaves that open, so that clients bear new fields.
final class OpenApi {
  private static final Set<String> METHODS = Set.of("get", "post", "put", "patch", "delete");

  private final ObjectNode document;
  private final Map<String, Operation> operations = new TreeMap<>();
  private final SchemaRegistry schemas =
      SchemaRegistry.withDefaultDialect(
          SpecificationVersion.DRAFT_2020_12,
          builder ->
              builder.schemaRegistryConfig(
                  SchemaRegistryConfig.builder().formatAssertionsEnabled(true).build()));

  /// One operation.
  ///
  /// @param id its name
  /// @param method in capitals
  /// @param path with parameters in braces
  /// @param node what the document says of it
  /// @param parameters also those of its path
  record Operation(
      String id, String method, String path, JsonNode node, List<JsonNode> parameters) {

    /// As the table of `docs/security.md` and the metrics spell it.
    String route() {
      return method + " " + path;
    }

    Set<String> statuses() {
      return Set.copyOf(Json.names(node.get("responses")));
    }

    boolean isPublic() {
      return node.has("security") && node.get("security").isEmpty();
    }

    boolean needsPermission() {
      return node.has("x-permission");
    }

    boolean has(String parameter) {
      return parameters.stream().anyMatch(it -> it.get("name").asString().equals(parameter));
    }

    /// The kind of body it takes; empty if it takes none.
    String bodyType() {
      return node.has("requestBody")
          ? Json.names(node.get("requestBody").get("content")).getFirst()
          : "";
    }

    /// The body that the document shows as an example.
    JsonNode example() {
      return node.at("/requestBody/content").get(bodyType()).get("example");
    }
  }

  OpenApi(String json) {
    // Where schemas on their own keep what they refer to.
    document = (ObjectNode) Json.parse(json.replace("#/components/schemas/", "#/$defs/"));
    close(document);
    document
        .get("paths")
        .forEachEntry((path, item) -> {
          for (String method : Json.names(item)) {
            if (METHODS.contains(method)) {
              var parameters = new ArrayList<JsonNode>();
              for (JsonNode owner : List.of(item, item.get(method))) {
                owner.path("parameters").forEach(parameter -> parameters.add(resolved(parameter)));
              }
              JsonNode node = item.get(method);
              String id = node.get("operationId").asString();
              var operation =
                  new Operation(id, method.toUpperCase(Locale.ROOT), path, node, parameters);
              if (operations.put(id, operation) != null) {
                throw new AssertionError("two operations have the operationId " + id);
              }
            }
          }
        });
  }

  /// Makes every schema that names properties refuse others.
  private static void close(JsonNode node) {
    if (node instanceof ObjectNode object
        && object.has("properties")
        && !object.has("additionalProperties")) {
      object.put("additionalProperties", false);
    }
    node.forEach(OpenApi::close);
  }

  private JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? document.at(node.get("$ref").asString().substring(1)) : node;
  }

  JsonNode document() {
    return document;
  }

  List<Operation> operations() {
    return List.copyOf(operations.values());
  }

  Operation operation(String id) {
    return Optional.ofNullable(operations.get(id))
        .orElseThrow(() -> new AssertionError("the document has no operation " + id));
  }

  /// What of an answer is not as the document says; empty if all is.
  List<String> faults(Operation operation, Reply reply) {
    JsonNode responses = operation.node().get("responses");
    String status = Integer.toString(reply.status());
    if (!responses.has(status)) {
      return List.of("status " + status + " is not documented; body: " + reply.body());
    }
    JsonNode content = resolved(responses.get(status)).path("content");
    if (content.isMissingNode()) {
      return reply.body().isEmpty() ? List.of() : List.of("a body, where none is documented");
    }
    String type = reply.header("content-type").orElse("none").replaceFirst(";.*", "").strip();
    if (!content.has(type)) {
      return List.of("the content type " + type + " is not documented for " + status);
    }
    return type.equals("application/json")
        ? faults(content.get(type).get("schema"), reply.json())
        : List.of();
  }

  /// The headers that the document requires of an answer and that it does not have.
  List<String> missingHeaders(Operation operation, Reply reply) {
    JsonNode response =
        resolved(operation.node().get("responses").path(Integer.toString(reply.status())));
    var missing = new ArrayList<String>();
    response
        .path("headers")
        .forEachEntry((name, header) -> {
          if (resolved(header).path("required").asBoolean(false)
              && reply.header(name.toLowerCase(Locale.ROOT)).isEmpty()) {
            missing.add(name);
          }
        });
    return missing;
  }

  /// What of a value is not as the schema of that name says.
  List<String> faults(String schemaName, JsonNode value) {
    return faults(document.at("/components/schemas/" + schemaName), value);
  }

  List<String> faults(JsonNode schema, JsonNode value) {
    if (schema.isMissingNode()) {
      return List.of("the document has no such schema");
    }
    // References in it point into the document.
    ObjectNode whole = ((ObjectNode) schema).deepCopy();
    whole.set("$defs", document.at("/components/schemas"));
    return schemas.getSchema(whole).validate(value).stream().map(Error::toString).toList();
  }
}
