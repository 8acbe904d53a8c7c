# A receiver of the webhook in format `standard`. Ruby 3 and the gem `webrick`.
# frozen_string_literal: true

require "base64"
require "json"
require "openssl"
require "webrick"

SECRETS = ENV.fetch("TIDINGS_SECRET", "").split
FILE = ENV.fetch("STATE", "state.json")
LOCK = Mutex.new
CUSTOMERS = File.exist?(FILE) ? JSON.parse(File.read(FILE)) : {}

# Whether one of our secrets signed these bytes, within the last five minutes.
def signed?(request, body)
  id = request["webhook-id"].to_s
  at = request["webhook-timestamp"].to_s
  return false if (Time.now.to_i - at.to_i).abs > 300

  told = request["webhook-signature"].to_s.split
  SECRETS.any? do |secret|
    key = Base64.decode64(secret.delete_prefix("whsec_"))
    expected = "v1,#{Base64.strict_encode64(OpenSSL::HMAC.digest('SHA256', key, "#{id}.#{at}.#{body}"))}"
    told.any? { |one| OpenSSL.secure_compare(one, expected) }
  end
end

# Keeps what a customer may use, unless something newer is known.
def keep(event)
  return if event["type"] == "test"

  data = event["data"]
  id = data["customer"]["id"]
  LOCK.synchronize do
    return if data["customer_seq"] <= CUSTOMERS.dig(id, "seq").to_i

    CUSTOMERS[id] = { "app_user_id" => data["customer"]["app_user_id"], "seq" => data["customer_seq"], "access" => data["access"] }
    # Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
    File.write("#{FILE}.new", JSON.generate(CUSTOMERS))
    File.rename("#{FILE}.new", FILE)
  end
end

server = WEBrick::HTTPServer.new(
  BindAddress: "127.0.0.1", Port: ENV.fetch("PORT", "8787").to_i, AccessLog: [], Logger: WEBrick::Log.new(nil, WEBrick::Log::WARN)
)
server.mount_proc("/") do |request, response|
  if request.request_method == "POST"
    body = request.body.to_s
    if signed?(request, body)
      keep(JSON.parse(body))
      response.status = 204
    else
      response.status = 400
    end
  else
    response["content-type"] = "application/json"
    response.body = LOCK.synchronize { JSON.generate(CUSTOMERS) }
  end
end
trap("TERM") { server.shutdown }
trap("INT") { server.shutdown }
server.start
