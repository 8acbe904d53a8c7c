// A receiver of the webhook in format `standard`. Go 1.19 or later, nothing else.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type customer struct {
	AppUserID string          `json:"app_user_id"`
	Seq       uint64          `json:"seq"`
	Access    json.RawMessage `json:"access"`
}

type event struct {
	Type string `json:"type"`
	Data struct {
		Customer struct {
			ID        string `json:"id"`
			AppUserID string `json:"app_user_id"`
		} `json:"customer"`
		Seq    uint64          `json:"customer_seq"`
		Access json.RawMessage `json:"access"`
	} `json:"data"`
}

var (
	secrets   = strings.Fields(os.Getenv("TIDINGS_SECRET"))
	file      = or(os.Getenv("STATE"), "state.json")
	lock      sync.Mutex
	customers = map[string]customer{}
)

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// isSigned says whether one of our secrets signed these bytes, within the last five minutes.
func isSigned(header http.Header, body []byte) bool {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	second, err := strconv.ParseInt(at, 10, 64)
	if age := time.Since(time.Unix(second, 0)); err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return false
	}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, told := range strings.Fields(header.Get("webhook-signature")) {
			if hmac.Equal([]byte(told), expected) {
				return true
			}
		}
	}
	return false
}

// keep keeps what a customer may use, unless something newer is known.
func keep(e event) error {
	lock.Lock()
	defer lock.Unlock()
	id := e.Data.Customer.ID
	if e.Type == "test" || e.Data.Seq <= customers[id].Seq {
		return nil
	}
	customers[id] = customer{e.Data.Customer.AppUserID, e.Data.Seq, e.Data.Access}
	// Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
	all, err := json.Marshal(customers)
	if err == nil {
		err = os.WriteFile(file+".new", all, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	return err
}

func receive(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		lock.Lock()
		defer lock.Unlock()
		_ = json.NewEncoder(w).Encode(customers)
		return
	}
	body, err := io.ReadAll(r.Body)
	var told event
	if err != nil || !isSigned(r.Header, body) || json.Unmarshal(body, &told) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := keep(told); err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	if known, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(known, &customers); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+or(os.Getenv("PORT"), "8787"), http.HandlerFunc(receive)))
}
