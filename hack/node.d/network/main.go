// SPDX-License-Identifier: Apache-2.0

// Command network is what a node needs so that Services have addresses and names: kube-proxy and CoreDNS
// in one file. Which of them it is follows from the name it is called by.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "kube-proxy":
		os.Exit(cli.Run(proxy.NewProxyCommand()))
	case "coredns":
		coremain.Run()
	default:
		fmt.Fprintf(os.Stderr, "network: %q is none of my programs: call me kube-proxy or coredns\n", name)
		os.Exit(2)
	}
}
