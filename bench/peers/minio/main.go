// Presigns with minio-go, as bench/presign.py asks.
//
// In: a line of JSON that says where and what, then a line with a number for each sample.
// Out: a line of JSON about itself, then one for each sample.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The library does not tell its version; the linker is given it.
var minioGo = "unknown"

type task struct {
	Endpoint       string
	Region         string
	Bucket         string
	KeyID          string `json:"key_id"`
	ApplicationKey string `json:"application_key"`
	ExpiresIn      int    `json:"expires_in"`
	Keys           []string
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// With the region given, nothing is asked of the server.
func connect(t task) *minio.Client {
	endpoint, err := url.Parse(t.Endpoint)
	check(err)
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(t.KeyID, t.ApplicationKey, ""),
		Secure:       endpoint.Scheme == "https",
		Region:       t.Region,
		BucketLookup: minio.BucketLookupPath,
	})
	check(err)
	return client
}

func answer(values map[string]interface{}) {
	line, err := json.Marshal(values)
	check(err)
	fmt.Println(string(line))
}

func main() {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	check(err)
	var t task
	check(json.Unmarshal(line, &t))

	client := connect(t)
	ctx := context.Background()
	expiresIn := time.Duration(t.ExpiresIn) * time.Second
	place := 0
	presign := func() string {
		key := t.Keys[place%len(t.Keys)]
		place++
		made, err := client.PresignedGetObject(ctx, t.Bucket, key, expiresIn, nil)
		check(err)
		return made.String()
	}
	versions := map[string]string{
		"Go":       strings.TrimPrefix(runtime.Version(), "go"),
		"minio-go": minioGo,
	}
	answer(map[string]interface{}{"versions": versions, "url": presign()})

	lines := bufio.NewScanner(in)
	for lines.Scan() {
		count, err := strconv.Atoi(lines.Text())
		check(err)
		var last string
		start := time.Now()
		for i := 0; i < count; i++ {
			last = presign()
		}
		seconds := time.Since(start).Seconds()
		answer(map[string]interface{}{"seconds": seconds, "urls": count, "url": last})
	}
}
